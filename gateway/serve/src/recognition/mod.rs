//! Mutual recognition (检查检验结果互认) over HTTP: two FHIR operations, CDS Hooks, and a page for a HIS that can only open a
//! URL. All three ask the same [`Desk`], and what changes state is journalled through a [`Ledger`] before it is answered.

mod sign;

use std::sync::Arc;

use hutong_enforce::recognition::desk::Desk;
use hutong_enforce::recognition::record::Record;
use hutong_fhir::Tree;

pub use sign::{LINK_S, Signer};

/// What a question or a doctor's answer leaves behind: one entry of the journal.
pub struct Kept {
    /// `recognition/ask`, `recognition/answer`, `recognition/feedback`, `recognition/view`
    pub what: &'static str,
    /// Institution that asked, or `local`.
    pub source: String,
    /// `fhir`, `cds-hooks`, `page`
    pub protocol: &'static str,
    /// The exact bytes of the request.
    pub request: Vec<u8>,
    /// What is answered.
    pub answer: Vec<u8>,
    /// Task, Provenance, the order as revoked.
    pub resources: Vec<Tree>,
    /// Become events of kind `recognition`.
    pub records: Vec<Record>,
}

/// The entry could not be made durable; nothing may be answered as done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unkept;

/// The journal as this part needs it, and whose patients are whose.
pub trait Ledger: Send + Sync + 'static {
    /// Journals; when it returns the entry is durable, and, within a little time, to be seen.
    fn keep(&self, kept: Kept) -> Result<(), Unkept>;

    /// Whether the Patient with this id is one that the institution itself registered.
    fn registered(&self, patient: &str, institution: &str) -> bool;
}

/// What mutual recognition needs to be served.
#[derive(Clone)]
pub struct Recognition {
    pub desk: Arc<dyn Desk>,
    pub ledger: Arc<dyn Ledger>,
    pub signer: Signer,
    /// Origins of browser clients of CDS Hooks (`https://his.example.cn`); none: no browser of another origin may call.
    pub origins: Vec<String>,
    /// Origins whose pages may show ours in a frame; none: nobody may.
    pub frames: Vec<String>,
}
