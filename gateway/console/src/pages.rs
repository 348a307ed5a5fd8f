//! The list of pages: navigation and routing both follow it. A new page is a line here and an arm in `site`.

use crate::context::Context;

/// A page that the navigation shows.
pub struct Page {
    /// Below `/console`: empty for the first one.
    pub path: &'static str,
    pub zh: &'static str,
    pub en: &'static str,
}

pub const PAGES: [Page; 5] = [
    Page { path: "", zh: "总览", en: "Overview" },
    Page { path: "cases", zh: "病例", en: "Cases" },
    Page { path: "work", zh: "待办", en: "Work items" },
    Page { path: "recognition", zh: "结果互认", en: "Recognition" },
    Page { path: "quarterly", zh: "季度通报", en: "Quarterly report" },
];

/// Where the pages live.
pub(crate) const BASE: &str = "/console";

impl Page {
    pub(crate) fn href(&self) -> String {
        if self.path.is_empty() { BASE.to_owned() } else { format!("{BASE}/{}", self.path) }
    }

    /// Whether it, or a page below it, is the one shown.
    pub(crate) fn shown(&self, context: &Context) -> bool {
        let href = self.href();
        context.path == href || (!self.path.is_empty() && context.path.strip_prefix(&href).is_some_and(|rest| rest.starts_with('/')))
    }
}
