//! Console: the web pages. Rendered here as whole pages from plain views; no socket, clock or store is known.
//!
//! [`Site`] answers one request; what it shows it asks of a [`Console`], which the gateway implements. A page is a function
//! from a view (`view`) and who looks at it (`context`) to HTML; `layout` is what all pages share, `pages` lists them.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))] // a test may stop

mod assets;
mod cases;
mod context;
mod dashboard;
mod detail;
#[cfg(any(test, feature = "fake"))]
#[allow(clippy::cast_precision_loss, clippy::indexing_slicing)]
pub mod fake;
mod layout;
mod login;
mod mask;
mod pages;
mod report;
mod rows;
mod site;
pub mod view;

pub use context::{Context, Theme, Viewer};
pub use layout::{badge, page};
pub use mask::{Masked, mask_message};
pub use pages::{PAGES, Page};
pub use site::{Console, Reply, Request, Site, Unanswered};

#[cfg(test)]
mod tests;
