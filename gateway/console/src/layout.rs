//! What all pages share: head, skip link, navigation, language and theme, the foot.

use hutong_paper::{Html, Lang, moment};

use crate::assets::{CSS, ICON, JS};
use crate::context::{Context, Theme, Viewer};
use crate::pages::{BASE, PAGES};
use crate::view::{Basis, Scope};

/// A whole page. `title` is its name in the browser; the body brings its own `<h1>`.
pub fn page(context: &Context, title: &str, body: impl FnOnce(&mut Html)) -> Html {
    let mut html = Html::default();
    html.trusted("<!doctype html>\n");
    let mut root = vec![("lang", context.lang.tag())];
    match context.theme {
        Some(Theme::Light) => root.push(("data-theme", "light")),
        Some(Theme::Dark) => root.push(("data-theme", "dark")),
        None => {}
    }
    html.node("html", &root, |html| {
        html.node("head", &[], |h| head(h, context, title));
        html.node("body", &[], |b| {
            b.leaf("a", &[("class", "skip"), ("href", "#main")], context.t("跳到正文", "Skip to content"));
            b.node("header", &[("class", "top")], |top| bar(top, context));
            b.node("main", &[("id", "main"), ("tabindex", "-1")], body);
        });
    });
    html
}

fn head(head: &mut Html, context: &Context, title: &str) {
    head.open("meta", &[("charset", "utf-8")]);
    head.open("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
    head.open("meta", &[("name", "referrer"), ("content", "no-referrer")]);
    head.leaf("title", &[], &format!("{title} · {}", context.t("互通", "hutong")));
    head.open("link", &[("rel", "stylesheet"), ("href", &CSS.href)]);
    head.open("link", &[("rel", "icon"), ("type", "image/svg+xml"), ("href", &ICON.href)]);
    head.node("script", &[("src", &JS.href), ("defer", "")], |_| {});
}

fn bar(top: &mut Html, context: &Context) {
    top.node("a", &[("class", "brand"), ("href", BASE)], |a| {
        a.leaf("span", &[("class", "seal"), ("aria-hidden", "true")], "互");
        a.leaf("span", &[], context.t("互通·县域医共体", "hutong · medical community"));
    });
    if context.viewer.is_some() {
        top.node("nav", &[("aria-label", context.t("页面", "Pages"))], |nav| {
            for page in &PAGES {
                let href = page.href();
                let mut attributes = vec![("href", href.as_str())];
                if page.shown(context) {
                    attributes.push(("aria-current", "page"));
                }
                nav.leaf("a", &attributes, context.t(page.zh, page.en));
            }
        });
    }
    top.node("div", &[("class", "tools")], |tools| {
        let (other, tag, name) = if context.lang == Lang::Zh { ("en", "en", "English") } else { ("zh", "zh-CN", "中文") };
        tools.leaf("a", &[("href", &context.in_language(other)), ("lang", tag), ("hreflang", tag)], name);
        // without the script there is nothing to press: the script shows it
        let label = context.t("深色或浅色", "Dark or light");
        tools.node("button", &[("type", "button"), ("id", "theme"), ("aria-label", label), ("title", label), ("hidden", "")], |b| {
            b.text("◐")
        });
        if matches!(context.viewer, Some(Viewer::Institution { .. })) {
            tools.node("form", &[("method", "post"), ("action", "/console/logout")], |form| {
                form.leaf("button", &[("type", "submit"), ("class", "quiet")], context.t("退出", "Sign out"));
            });
        }
    });
}

/// A word with a meaning: `good`, `warn`, `bad` or `plain`. The word says it all, the colour only repeats it.
pub fn badge(html: &mut Html, kind: &str, text: &str) {
    html.leaf("span", &[("class", &format!("badge {kind}"))], text);
}

/// The foot of figures: definition, scope, journal position and time; without these a figure is only a number.
pub(crate) fn basis(html: &mut Html, basis: &Basis, scope: Option<Scope>, context: &Context) {
    let scope = scope.map(|s| format!("{}{}{}{}", s.code(), context.t("（", " ("), s.text().of(context.lang), context.t("）", ")")));
    let definition = format!("{} {}", basis.definition.id, basis.definition.version);
    html.node("dl", &[("class", "meta basis")], |list| {
        let mut pair = |label: &str, key: &str, value: &str| {
            list.node("div", &[], |div| {
                div.leaf("dt", &[], label);
                div.leaf("dd", if key.is_empty() { vec![] } else { vec![("data-live", key)] }.as_slice(), value);
            });
        };
        pair(context.t("指标定义", "Definition"), "", &definition);
        if let Some(scope) = &scope {
            pair(context.t("口径", "Scope"), "", scope);
        }
        pair(context.t("日志位置", "Journal position"), "position", &basis.journal_position.to_string());
        pair(context.t("截至", "As of"), "made", &moment(basis.made_at_us));
    });
}
