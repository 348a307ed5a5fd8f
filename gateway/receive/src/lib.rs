//! Receive: sockets to frames, frames to answers, in each protocol's own form.
