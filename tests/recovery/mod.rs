//! Crashes: `kill -9` of a process that stores messages, at random times and at every named step, and power loss.
//!
//! [`child`] is the process that is killed, this same binary started again; [`check`] compares what it had acknowledged
//! with what is stored. `tests/power-loss` uses both on a file system that is shut down under load.

mod check;
mod child;
mod gateway;
mod kill;
