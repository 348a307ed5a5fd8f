//! How much one message may hold. Passing a limit refuses the message with `hl7.limit` (table 0357: 104).

/// Limits on one message; see `reliability.md` for the defaults' reasons.
#[derive(Clone, Debug)]
pub struct Limits {
    pub message_bytes_max: usize,
    pub segments_max: usize,
    pub fields_per_segment_max: usize,
    pub repetitions_max: usize,
    pub field_bytes_max: usize,
    /// Each may expand to [`super::escapes::EXPANSION_MAX`] characters.
    pub escapes_per_field_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            message_bytes_max: 16 << 20,
            segments_max: 10_000,
            fields_per_segment_max: 1_000,
            repetitions_max: 1_000,
            field_bytes_max: 1 << 20,
            escapes_per_field_max: 65_536,
        }
    }
}
