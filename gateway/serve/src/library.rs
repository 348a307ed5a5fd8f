//! What resources are judged by and questions about codes are answered from: an edition of it is in force, and a new one
//! takes its place whole.

use std::sync::{Arc, OnceLock};

use hutong_validate::{Knowledge, Validator};

use crate::shelf::Shelf;

/// Profiles, terminology and the validator over them, at one time.
pub struct Edition {
    pub validator: Validator,
    pub knowledge: Arc<Knowledge>,
    /// The loaded conformance resources, to be read.
    pub shelf: Shelf,
    /// The CapabilityStatement with a mark for the base address; made when first asked for.
    pub(crate) statement: OnceLock<String>,
}

impl Edition {
    pub fn new(knowledge: Arc<Knowledge>, validator: Validator, shelf: Shelf) -> Edition {
        Edition { validator, knowledge, shelf, statement: OnceLock::new() }
    }
}

/// Where the edition in force is found. A request keeps the one it began with.
pub trait Editions: Send + Sync + 'static {
    fn current(&self) -> Arc<Edition>;
}

/// One edition for ever.
impl Editions for Arc<Edition> {
    fn current(&self) -> Arc<Edition> {
        Arc::clone(self)
    }
}
