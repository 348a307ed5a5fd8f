//! `hutong init DIR`: a commented configuration to start from. Never overwrites.

use std::path::PathBuf;

use super::lang::t;
use super::{Failure, Outcome};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// 目录 · directory; made where it does not exist
    dir: PathBuf,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let path = args.dir.join("hutong.toml");
    if path.exists() {
        return Err(Failure::usage(
            format!("{} 已存在，未改动。请换一个目录，或先移走该文件。", path.display()),
            format!("{} exists and was left as it is. Choose another directory, or move the file away first.", path.display()),
        ));
    }
    std::fs::create_dir_all(&args.dir).map_err(|e| Failure::file(&args.dir, &e))?;
    std::fs::write(&path, crate::config::TEMPLATE).map_err(|e| Failure::file(&path, &e))?;
    // beside it, for editors that complete and check TOML by the schema that its first line names
    let schema = args.dir.join("config.schema.json");
    if let Some((.., text)) = crate::schema::PUBLISHED.iter().find(|(name, ..)| *name == "config") {
        std::fs::write(&schema, text).map_err(|e| Failure::file(&schema, &e))?;
    }
    println!("{} {}", t("已写出", "wrote"), path.display());
    println!("{} hutong check --config {p} && hutong serve --config {p}", t("下一步：", "next:"), p = path.display());
    Ok(0)
}
