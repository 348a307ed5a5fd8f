//! The `hutong` binary: parses the command line, settles the language, runs one command.

#![allow(clippy::print_stdout, reason = "a command line prints")]

mod act;
mod bench;
mod cli;
mod community;
mod config;
mod demo;
mod embedded;
mod hex;
mod indicators;
mod ingest;
mod library;
mod mappings;
mod measures;
mod packages;
mod pages;
mod pipeline;
mod platform;
mod policy;
mod question;
mod recognition;
mod reload;
mod report;
mod runtime;
mod schema;
mod shown;

fn main() -> std::process::ExitCode {
    cli::main()
}
