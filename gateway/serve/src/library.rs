//! What resources are judged by and questions about codes are answered from: an edition of it is in force, and a new one
//! takes its place whole.

use std::sync::{Arc, LazyLock, OnceLock};

use hutong_validate::{Knowledge, Validator};

use crate::shelf::Shelf;

type Fill = Box<dyn FnOnce() -> Shelf + Send>;

/// Profiles, terminology and the validator over them, at one time.
pub struct Edition {
    pub validator: Validator,
    pub knowledge: Arc<Knowledge>,
    /// The loaded conformance resources, to be read; put together when first asked for.
    shelf: LazyLock<Shelf, Fill>,
    /// The CapabilityStatement with a mark for the base address; made when first asked for.
    pub(crate) statement: OnceLock<String>,
    /// The TerminologyCapabilities, the same way.
    pub(crate) codes: OnceLock<String>,
}

impl Edition {
    pub fn new(knowledge: Arc<Knowledge>, fill: impl FnOnce() -> Shelf + Send + 'static) -> Edition {
        let validator = Validator::with(Arc::clone(&knowledge));
        Edition { validator, knowledge, shelf: LazyLock::new(Box::new(fill)), statement: OnceLock::new(), codes: OnceLock::new() }
    }

    pub(crate) fn shelf(&self) -> &Shelf {
        &self.shelf
    }
}

/// Where the edition in force is found. A request keeps the one it began with.
pub trait Editions: Send + Sync + 'static {
    fn current(&self) -> Arc<Edition>;
}
