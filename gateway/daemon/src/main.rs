//! The `hutong` binary: parses the command line, settles the language, runs one command.

#![allow(clippy::print_stdout, reason = "a command line prints")]

mod bench;
mod cli;
mod config;
mod demo;
mod embedded;
mod ingest;
mod mappings;
mod pipeline;
mod runtime;
mod shown;

fn main() -> std::process::ExitCode {
    cli::main()
}
