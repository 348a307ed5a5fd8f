//! Why a command could not do its work: what, where, why and what to do, in both languages, with its exit code.

use super::lang::t;

#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: u8,
    zh: String,
    en: String,
}

impl Failure {
    /// The caller gave something that cannot be used (exit 2).
    pub(crate) fn usage(zh: impl Into<String>, en: impl Into<String>) -> Failure {
        Failure { exit: 2, zh: zh.into(), en: en.into() }
    }

    /// What was judged is not right (exit 1).
    pub(crate) fn judged(zh: impl Into<String>, en: impl Into<String>) -> Failure {
        Failure { exit: 1, zh: zh.into(), en: en.into() }
    }

    /// Files of TLS that cannot be used.
    pub(crate) fn tls(fault: &hutong_wire::tls::TlsFault) -> Failure {
        let path = fault.path.display();
        Failure::usage(format!("{path}：{}", fault.zh), format!("{path}: {}", fault.en))
    }

    /// A file that cannot be read or written.
    pub(crate) fn file(path: &std::path::Path, error: &std::io::Error) -> Failure {
        let path = path.display();
        Failure::usage(
            format!("无法读写 {path}：{error}。请检查路径与权限。"),
            format!("cannot read or write {path}: {error}. Check the path and its permissions."),
        )
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(t(&self.zh, &self.en))
    }
}

pub(crate) type Outcome = Result<u8, Failure>;
