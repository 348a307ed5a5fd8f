//! Signing in with a token; and the page for what is not there.

use hutong_paper::Html;

use crate::context::Context;
use crate::layout::page;

pub(crate) fn login(context: &Context, failed: bool) -> Html {
    let title = context.t("登录", "Sign in");
    page(context, title, |main| {
        main.node("form", &[("class", "card login"), ("method", "post"), ("action", "/console/login")], |form| {
            form.leaf("h1", &[], title);
            form.leaf(
                "p",
                &[],
                context.t(
                    "请输入本机构的访问令牌（由网关管理员发放）。",
                    "Enter your institution's access token; the gateway's operator gives it out.",
                ),
            );
            if failed {
                let text = context.t(
                    "令牌不正确，或已停用。请核对后重试，或联系网关管理员。",
                    "The token is not known. Check it, or ask the gateway's operator.",
                );
                form.leaf("p", &[("class", "error"), ("role", "alert")], text);
            }
            form.node("label", &[], |label| {
                label.leaf("span", &[], context.t("访问令牌", "Access token"));
                let input =
                    [("type", "password"), ("name", "token"), ("required", ""), ("autocomplete", "current-password"), ("autofocus", "")];
                label.open("input", &input);
            });
            form.leaf("button", &[("type", "submit")], context.t("登录", "Sign in"));
        });
    })
}

/// A page that says in one sentence why there is nothing else.
pub(crate) fn message(context: &Context, title: &str, text: &str) -> Html {
    page(context, title, |main| {
        main.node("div", &[("class", "card login")], |card| {
            card.leaf("h1", &[], title);
            card.leaf("p", &[], text);
            card.node("p", &[], |p| p.leaf("a", &[("href", "/console")], context.t("回到总览", "Back to the overview")));
        });
    })
}
