//! `[recognition]` of the configuration: which rule sets are in force beside those imported, and what becomes of an order
//! for which there is a result to recognise.

use std::collections::BTreeMap;

use hutong_enforce::recognition::desk::Mode;
use serde::Deserialize;

/// The configuration's section.
#[derive(Deserialize, Clone, Debug)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Setting {
    /// Names of shipped rule sets (`profiles/policy/recognition/*.rules.tsv`). A set of the same id that is imported takes
    /// the place of the shipped one.
    pub(crate) rules: Vec<String>,
    /// What holds where nothing below says otherwise.
    pub(crate) mode: Mode,
    pub(crate) modes: Vec<Exception>,
    /// By source, what a sign such as ★ in its reports stands for where the report does not say it: 渝HR.
    pub(crate) signs: BTreeMap<String, String>,
    /// How long a link to a result opens it, minutes.
    pub(crate) link_minutes: u32,
    /// Origins of browser clients of CDS Hooks, `https://his.example.cn`; none: no page of another origin may call.
    pub(crate) browser_origins: Vec<String>,
    /// Origins whose pages may show a result in a frame; none: nobody may.
    pub(crate) frame_origins: Vec<String>,
}

impl Default for Setting {
    fn default() -> Setting {
        Setting {
            rules: Vec::new(),
            mode: Mode::Remind,
            modes: Vec::new(),
            signs: BTreeMap::new(),
            link_minutes: 30,
            browser_origins: Vec::new(),
            frame_origins: Vec::new(),
        }
    }
}

/// A mode for a source, an item, or an item of a source.
#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Exception {
    /// Empty: of all sources.
    pub(crate) source: String,
    /// Code in the community's list; empty: of all items.
    pub(crate) item: String,
    pub(crate) mode: Mode,
}

impl Setting {
    /// What becomes of an order: the nearest line counts, one of source and item before one of the source, before one of
    /// the item.
    pub(crate) fn mode(&self, source: &str, item: &str) -> Mode {
        let fits = |wanted: &str, got: &str| wanted.is_empty() || wanted == got;
        let fitting = self.modes.iter().filter(|m| fits(&m.source, source) && fits(&m.item, item));
        // of equal ones the first
        let nearest = fitting.rev().max_by_key(|m| (!m.source.is_empty() && !m.item.is_empty(), !m.source.is_empty()));
        nearest.map_or(self.mode, |m| m.mode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_line_says_the_mode() {
        let text = r#"
            mode = "remind"
            modes = [
                { source = "his", mode = "hold" },
                { item = "CT-HEAD", mode = "refuse" },
                { source = "his", item = "K", mode = "remind" },
                { source = "his", item = "K", mode = "refuse" },
            ]"#;
        let setting: Setting = toml::from_str(text).unwrap();
        for (source, item, expected) in [
            ("his", "GLU", Mode::Hold),
            ("his", "CT-HEAD", Mode::Hold),
            ("lis", "CT-HEAD", Mode::Refuse),
            ("his", "K", Mode::Remind),
            ("lis", "K", Mode::Remind),
        ] {
            assert_eq!(setting.mode(source, item), expected, "{source} {item}");
        }
    }
}
