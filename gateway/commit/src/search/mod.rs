//! FHIR search (<https://hl7.org/fhir/R4/search.html>): what can be asked ([`table`]), a checked question ([`Query`]),
//! its translation to SQL, and a page of answers.
//!
//! An unknown parameter, modifier or value is a [`QueryError`], never ignored in silence; a caller who was told to be
//! lenient drops what was refused and says so, and [`Query::applied`] is then the truthful self link.

pub mod cursor;
pub mod date;
pub mod page;
pub mod query;
pub(crate) mod sql;
pub mod table;
pub mod value;

pub use cursor::Cursor;
pub use page::{Found, Page, Version};
pub use query::{Include, Modifier, Param, Query, QueryError, QueryFault, Sort, SortKey, Total};
pub use value::Value;
