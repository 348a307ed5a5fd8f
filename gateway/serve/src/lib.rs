//! Serve: the FHIR REST API, the console's pages, health and metrics.
//!
//! [`Api::handle`] answers one request and knows nothing of sockets; limits of connections and headers are the
//! listener's. Begin with `route` (which address is what), then `api` (the way of a request), then one of `interaction`.

mod access;
mod answer;
mod api;
mod bundle;
mod community;
mod console;
mod document;
mod interaction;
mod library;
mod listing;
mod measure;
mod metrics;
mod negotiate;
mod operation;
mod parameters;
mod params;
mod percent;
mod pretty;
mod recognition;
mod refusal;
mod route;
mod shelf;
mod source;
mod throttle;
mod time;

pub use access::Access;
pub use api::{Api, Settings};
pub use community::{Admin, AdminAsk, AdminRefusal, Community, Grade, Likely, Linked, Report, ReportAsk};
pub use console::{Answered, Events};
pub use library::{Edition, Editions};
pub use measure::{CollectAsk, Collected, CountedMessage, Listed, MeasureAsk, Measures, NotMeasured, ReportOf, Summary};
pub use recognition::{Kept, Ledger, Recognition, Unkept};
pub use shelf::Shelf;
pub use source::{Embedded, Source};

#[cfg(test)]
mod fake;
#[cfg(test)]
mod fake_desk;
#[cfg(test)]
mod fake_measures;
#[cfg(test)]
mod tests;
