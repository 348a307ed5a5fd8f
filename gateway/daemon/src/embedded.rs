//! The mappings that are built into the binary.

include!(concat!(env!("OUT_DIR"), "/mappings.rs"));
