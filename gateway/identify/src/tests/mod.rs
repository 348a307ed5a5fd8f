//! Behaviour of the register as a whole.

mod decisions;
mod histories;
