//! A report as a page: the document that the command line prints, with its periods and its other forms.

use hutong_paper::{Document, Html, Text, html};

use crate::context::Context;
use crate::layout::page;

/// What stands above a report.
pub(crate) struct Around<'a> {
    /// Value and name of each period that can be asked for.
    pub(crate) periods: &'a [(String, Text)],
    /// The one that is shown.
    pub(crate) period: &'a str,
    /// Other forms of the same document: what `?format=` takes.
    pub(crate) formats: &'a [(&'static str, &'static str)],
}

pub(crate) fn report(document: &Document, around: &Around<'_>, context: &Context) -> Html {
    page(context, document.title.of(context.lang), |main| {
        main.node("div", &[("class", "report-bar")], |bar| {
            bar.node("nav", &[("class", "segments"), ("aria-label", context.t("期间", "Period"))], |nav| {
                for (value, name) in around.periods {
                    let href = context.with("period", value);
                    let mut attributes = vec![("href", href.as_str())];
                    if value == around.period {
                        attributes.push(("aria-current", "true"));
                    }
                    nav.leaf("a", &attributes, name.of(context.lang));
                }
            });
            bar.node("p", &[("class", "links")], |p| {
                p.text(context.t("下载 ", "Download "));
                for (format, name) in around.formats {
                    p.leaf("a", &[("href", &context.with("format", format)), ("download", "")], name);
                    p.text(" ");
                }
            });
        });
        main.push(&html(document, context.lang));
    })
}
