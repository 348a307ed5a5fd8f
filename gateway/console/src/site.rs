//! One request → one page. Knows the addresses below `/console`, and nothing of sockets.

use std::sync::Arc;

use hutong_paper::{Document, Fault, Fonts, Html, Text, csv, ndjson, pdf, xlsx};

use crate::assets;
use crate::context::{Context, Theme, Viewer, lang};
use crate::pages::BASE;
use crate::report::{Around, report};
use crate::view::{Case, CaseList, CasesAsk, Dashboard, DashboardAsk, Scope};
use crate::{cases, dashboard, detail, login};

/// What pages ask of the gateway. Calls may block. What a viewer may not see is not there for them.
pub trait Console: Send + Sync + 'static {
    /// Grows with every entry that may change a figure. Asked for often: it costs nothing.
    fn position(&self) -> u64;
    /// The scope of a page that names none.
    fn scope(&self) -> Scope {
        Scope::default()
    }
    fn dashboard(&self, viewer: &Viewer, ask: &DashboardAsk) -> Result<Dashboard, Unanswered>;
    /// The same for who has it open and is told what changes. It may be newer.
    fn watched(&self, viewer: &Viewer, ask: &DashboardAsk) -> Result<Dashboard, Unanswered> {
        self.dashboard(viewer, ask)
    }
    fn cases(&self, viewer: &Viewer, ask: &CasesAsk) -> Result<CaseList, Unanswered>;
    fn case(&self, viewer: &Viewer, id: &str) -> Result<Case, Unanswered>;
    /// The figures of mutual recognition, and the periods that can be asked for (value, name).
    fn recognition(&self, viewer: &Viewer, period: Option<&str>) -> Result<(Document, Vec<(String, Text)>), Unanswered>;
    /// What waits for a person: doubtful joins, parts without their other half; and the spans of days that can be asked for.
    fn work(&self, viewer: &Viewer, period: Option<&str>) -> Result<(Document, Vec<(String, Text)>), Unanswered>;
    /// The quarterly report, and the quarters that can be asked for.
    fn quarterly(&self, viewer: &Viewer, period: Option<&str>) -> Result<(Document, Vec<(String, Text)>), Unanswered>;
    /// Fonts for PDF. By default those of this machine, read each time: whoever runs for long keeps them.
    fn fonts(&self) -> Result<Arc<Fonts>, Fault> {
        Fonts::load(None).map(Arc::new)
    }
}

/// Why a page cannot be shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unanswered {
    /// There is no such thing, or not for this viewer.
    NotFound,
    /// A parameter that cannot be meant: what it should look like.
    Wrong(Text),
    /// Not now.
    Unavailable,
    /// Something is missing on the gateway's machine: what, and what to do.
    Failed(Text),
}

/// A `GET` as the HTTP side hands it over; the path and all values are decoded.
pub struct Request<'a> {
    /// The whole path: `/console/cases`.
    pub path: &'a str,
    pub query: Vec<(String, String)>,
    /// The `Cookie` header.
    pub cookies: &'a str,
    pub accept_language: &'a str,
    pub if_none_match: &'a str,
    pub viewer: Option<Viewer>,
}

pub struct Reply {
    pub status: u16,
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

/// Nothing from elsewhere, no script or style but our own files, no frame, no form to others.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The pages over what gives the figures.
pub struct Site {
    console: Arc<dyn Console>,
}

impl Site {
    pub fn new(console: Arc<dyn Console>) -> Site {
        Site { console }
    }

    /// Grows when a page may have changed.
    pub fn position(&self) -> u64 {
        self.console.position()
    }

    pub fn answer(&self, request: Request<'_>) -> Reply {
        if let Some(asset) = assets::find(request.path) {
            return file(asset, request.if_none_match);
        }
        let asked = request.query.iter().find(|(key, _)| key == "lang").map(|(_, value)| value.clone());
        let context = context(request);
        let mut reply = match &context.viewer {
            None => Reply::page(401, &login::login(&context, false)),
            Some(viewer) => self.page(viewer, &context).unwrap_or_else(|why| unanswered(&why, &context)),
        };
        if asked.is_some() {
            let chosen = context.t("zh", "en");
            reply.headers.push(("set-cookie", format!("hutong_lang={chosen}; Path={BASE}; Max-Age=31536000; SameSite=Strict")));
        }
        reply
    }

    /// The form again, after a token that nobody knows.
    pub fn refused_login(&self, request: Request<'_>) -> Reply {
        Reply::page(401, &login::login(&context(request), true))
    }

    /// What the script of a dashboard at `query` writes, and the position of its figures: JSON; `None`: the viewer sees no
    /// figures.
    pub fn figures(&self, request: Request<'_>) -> Option<(u64, String)> {
        let context = context(request);
        let view = self.console.watched(context.viewer.as_ref()?, &self.dashboard_ask(&context).ok()?).ok()?;
        Some((view.basis.journal_position, dashboard::live(&view, context.lang).to_string()))
    }

    fn page(&self, viewer: &Viewer, context: &Context) -> Result<Reply, Unanswered> {
        let below = context.path.strip_prefix(BASE).unwrap_or_default().trim_matches('/');
        let html = match below.split_once('/').map_or((below, None), |(page, rest)| (page, Some(rest))) {
            ("", None) => dashboard::dashboard(&self.console.dashboard(viewer, &self.dashboard_ask(context)?)?, context),
            ("cases", None) => {
                let ask = self.cases_ask(context)?;
                cases::cases(&self.console.cases(viewer, &ask)?, &ask, context)
            }
            ("cases", Some(id)) => detail::case(&self.console.case(viewer, id)?, context),
            ("work", None) => return self.document(self.console.work(viewer, context.asked("period"))?, context),
            ("recognition", None) => return self.document(self.console.recognition(viewer, context.asked("period"))?, context),
            ("quarterly", None) => return self.document(self.console.quarterly(viewer, context.asked("period"))?, context),
            _ => return Err(Unanswered::NotFound),
        };
        Ok(Reply::page(200, &html))
    }

    fn document(&self, (document, periods): (Document, Vec<(String, Text)>), context: &Context) -> Result<Reply, Unanswered> {
        let period = context.asked("period").or_else(|| periods.first().map(|(value, _)| value.as_str())).unwrap_or_default();
        if let Some(format) = context.asked("format") {
            let (content_type, body) = self.form(&document, format, context)?;
            let name = context.path.rsplit('/').next().unwrap_or_default();
            // a period is ours only if we offered it: what stands in a header is never what somebody sent
            let of = periods.iter().find(|(value, _)| value == period).map_or("", |(value, _)| value.as_str());
            let disposition = format!("attachment; filename=\"{name}-{of}.{format}\"");
            let headers = vec![("content-disposition", disposition)];
            return Ok(Reply { status: 200, content_type, headers, body });
        }
        let formats = [("pdf", "PDF"), ("xlsx", "Excel"), ("csv", "CSV")];
        let around = Around { periods: &periods, period, formats: &formats };
        Ok(Reply::page(200, &report(&document, &around, context)))
    }

    fn form(&self, document: &Document, format: &str, context: &Context) -> Result<(&'static str, Vec<u8>), Unanswered> {
        let failed = |fault: Fault| Unanswered::Failed(fault.text());
        let lang = context.lang;
        Ok(match format {
            "csv" => ("text/csv; charset=utf-8", csv(document, lang).into_bytes()),
            "ndjson" => ("application/x-ndjson", ndjson(document, lang).into_bytes()),
            "xlsx" => ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", xlsx(document, lang).map_err(failed)?),
            "pdf" => ("application/pdf", pdf(document, lang, &*self.console.fonts().map_err(failed)?).map_err(failed)?),
            _ => return Err(Unanswered::NotFound),
        })
    }

    fn dashboard_ask(&self, context: &Context) -> Result<DashboardAsk, Unanswered> {
        let year =
            context.asked("year").map(|year| year.parse().ok().filter(|y| (1900..=9999).contains(y)).ok_or_else(|| wrong("year=2026")));
        Ok(DashboardAsk { year: year.transpose()?, scope: self.scope(context)? })
    }

    fn cases_ask(&self, context: &Context) -> Result<CasesAsk, Unanswered> {
        let asked = |name: &str| context.asked(name).map(str::to_owned);
        Ok(CasesAsk {
            scope: self.scope(context)?,
            period: asked("period"),
            institution: asked("institution"),
            centre: asked("centre"),
            excluded: asked("excluded"),
            after: asked("after"),
        })
    }

    fn scope(&self, context: &Context) -> Result<Scope, Unanswered> {
        context
            .asked("scope")
            .map_or_else(|| Ok(self.console.scope()), |code| Scope::of(code).ok_or_else(|| wrong("scope=IMG5, scope=ALL4")))
    }
}

impl Reply {
    fn page(status: u16, html: &Html) -> Reply {
        Reply {
            status,
            content_type: "text/html; charset=utf-8",
            headers: vec![("content-security-policy", POLICY.to_owned()), ("referrer-policy", "no-referrer".to_owned())],
            body: html.as_str().as_bytes().to_vec(),
        }
    }
}

fn file(asset: &assets::Asset, if_none_match: &str) -> Reply {
    let same = if_none_match.split(',').any(|tag| tag.trim().trim_start_matches("W/") == asset.etag);
    Reply {
        status: if same { 304 } else { 200 },
        content_type: asset.content_type,
        headers: vec![("etag", asset.etag.clone()), ("cache-control", "public, max-age=31536000, immutable".to_owned())],
        body: if same { Vec::new() } else { asset.body.clone().into_bytes() },
    }
}

fn context(request: Request<'_>) -> Context {
    let cookie = |name: &str| {
        request.cookies.split(';').filter_map(|pair| pair.trim().split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    Context {
        lang: lang(&request.query, cookie("hutong_lang"), request.accept_language),
        theme: match cookie("hutong_theme") {
            Some("light") => Some(Theme::Light),
            Some("dark") => Some(Theme::Dark),
            _ => None,
        },
        path: request.path.to_owned(),
        query: request.query.into_iter().filter(|(key, _)| key != "lang").collect(),
        viewer: request.viewer,
    }
}

fn wrong(form: &'static str) -> Unanswered {
    Unanswered::Wrong(Text::same(form))
}

fn unanswered(why: &Unanswered, context: &Context) -> Reply {
    let (status, title, text) = match why {
        Unanswered::NotFound => (
            404,
            context.t("没有此页", "Not found"),
            context.t("没有此页，或您无权查看。请核对地址。", "There is no such page, or it is not for you. Check the address.").to_owned(),
        ),
        Unanswered::Wrong(form) => (
            400,
            context.t("地址有误", "Wrong address"),
            format!("{}{}", context.t("地址中的参数应写作：", "A parameter of the address should read: "), form.of(context.lang)),
        ),
        Unanswered::Failed(text) => (503, context.t("未能生成文件", "No file could be made"), text.of(context.lang).to_owned()),
        Unanswered::Unavailable => (
            503,
            context.t("暂不可用", "Not available now"),
            context.t("网关暂时无法给出数字，请稍后刷新。", "The gateway cannot give figures now. Reload in a moment.").to_owned(),
        ),
    };
    Reply::page(status, &login::message(context, title, &text))
}
