//! The interactions, one small file each.

pub(crate) mod admin;
pub(crate) mod capabilities;
pub(crate) mod compartment;
pub(crate) mod conformance;
pub(crate) mod everything;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod landing;
pub(crate) mod matching;
pub(crate) mod read;
pub(crate) mod search;
pub(crate) mod terminology;
pub(crate) mod validate;
pub(crate) mod vread;
