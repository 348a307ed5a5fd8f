//! Style sheet, script and icon: part of the program, served under names that change with their content.

use std::fmt::Write as _;
use std::sync::LazyLock;

use hutong_paper::STYLE;
use sha2::{Digest, Sha256};

/// A file of the console.
pub(crate) struct Asset {
    /// `/console/assets/console-1f2e3d4c.css`.
    pub(crate) href: String,
    /// Strong: the bytes are these and no others.
    pub(crate) etag: String,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

impl Asset {
    fn new(stem: &str, ending: &str, content_type: &'static str, body: String) -> Asset {
        let digest = Sha256::digest(body.as_bytes());
        let mut hash = String::new();
        for byte in digest.iter().take(8) {
            let _ = write!(hash, "{byte:02x}");
        }
        Asset { href: format!("/console/assets/{stem}-{hash}.{ending}"), etag: format!("\"{hash}\""), content_type, body }
    }
}

pub(crate) static CSS: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("console", "css", "text/css; charset=utf-8", format!("{STYLE}{}", include_str!("console.css"))));
pub(crate) static JS: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("console", "js", "text/javascript; charset=utf-8", include_str!("console.js").to_owned()));
pub(crate) static ICON: LazyLock<Asset> = LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("icon.svg").to_owned()));

pub(crate) fn find(path: &str) -> Option<&'static Asset> {
    [&*CSS, &*JS, &*ICON].into_iter().find(|asset| asset.href == path)
}
