//! The language of what people read: Chinese or English, by `--lang`, else `LANG`.

use std::sync::OnceLock;

#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Lang {
    Zh,
    En,
}

static CHOSEN: OnceLock<Lang> = OnceLock::new();

/// Settles the language once, at start.
pub(crate) fn choose(asked: Option<Lang>) {
    let lang = asked.unwrap_or_else(|| {
        let env = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|v| std::env::var(v).ok().filter(|s| !s.is_empty()));
        match env {
            Some(value) if value.starts_with("en") => Lang::En,
            _ => Lang::Zh,
        }
    });
    let _ = CHOSEN.set(lang);
}

pub(crate) fn lang() -> Lang {
    CHOSEN.get().copied().unwrap_or(Lang::Zh)
}

/// The text in the chosen language.
pub(crate) fn t<'a>(zh: &'a str, en: &'a str) -> &'a str {
    match lang() {
        Lang::Zh => zh,
        Lang::En => en,
    }
}
