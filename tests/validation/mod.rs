//! Judging resources and answering about codes, as others meet it: over real sockets, on the command line, with packages
//! that are loaded while the gateway runs.

mod archive;
mod http;
mod limits;
mod load;
mod reports;
