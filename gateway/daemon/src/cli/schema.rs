//! `hutong schema [NAME]`: prints one of the published JSON Schemas, or lists them.

use super::lang::t;
use super::{Failure, Outcome, output};
use crate::schema::PUBLISHED;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// 名称；没有时列出全部 · its name; without: lists them
    name: Option<String>,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let Some(name) = &args.name else {
        let rows: Vec<Vec<String>> = PUBLISHED.iter().map(|(name, zh, en, _)| vec![(*name).to_owned(), t(zh, en).to_owned()]).collect();
        print!("{}", output::table(&[t("名称", "name"), t("用于", "for")], &rows));
        return Ok(0);
    };
    match PUBLISHED.iter().find(|(known, ..)| known == name) {
        Some((.., text)) => {
            print!("{text}");
            Ok(0)
        }
        None => {
            let names: Vec<&str> = PUBLISHED.iter().map(|(name, ..)| *name).collect();
            let names = names.join(", ");
            Err(Failure::usage(format!("没有名为 {name} 的规范；有：{names}"), format!("there is no schema {name}; there are: {names}")))
        }
    }
}
