//! `/recognition/<reminder>?until=…&sig=…`: the earlier result as one page, for a HIS that can only open a URL. The signed,
//! short-lived link is the permission; the address holds no patient data. Looking is put on record (调阅); the buttons answer
//! the reminder.
//!
//! No script, nothing from elsewhere, in nobody's cache, in a frame only of configured origins.

mod view;

use http::StatusCode;
use http::header::{HeaderName, HeaderValue, LOCATION, REFERRER_POLICY, X_FRAME_OPTIONS};
use hutong_enforce::recognition::desk::{Decision, Reply, Shown};
use hutong_enforce::recognition::record::{Choice, Context};

use super::{At, NotActed, Sent, now_us, result, who};
use crate::answer::Answer;
use crate::percent;
use view::{Done, Shut, View};

const HTML: &str = "text/html; charset=utf-8";
/// What is common to all our pages, then what is this one's.
const STYLE: [&str; 2] = [hutong_paper::STYLE, include_str!("page.css")];
/// Characters of a diagnosis, of a doctor's number.
const DIAGNOSIS_MAX: usize = 200;
const DOCTOR_MAX: usize = 64;

/// A request below `/recognition`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Looking {
    /// `page.css`
    Style,
    /// `GET`, `HEAD`
    Page(String),
    /// The form of the page.
    Form(String),
}

/// The style sheet.
pub(crate) fn style() -> Answer {
    Answer::other("text/css; charset=utf-8", STYLE.concat().into_bytes())
}

/// What a link says beside the reminder.
struct Link {
    until_s: i64,
    signature: String,
    done: Option<Done>,
}

impl Link {
    fn read(query: &str) -> Link {
        let mut link = Link { until_s: 0, signature: String::new(), done: None };
        for (name, value) in percent::fields(query).flatten() {
            match &*name {
                "until" => link.until_s = value.parse().unwrap_or(0),
                "sig" => link.signature = value.into_owned(),
                "done" => link.done = Done::named(&value),
                _ => {}
            }
        }
        link
    }
}

impl At<'_> {
    /// Answers a page. `form` is the body of a `POST`; `head`: nobody looks.
    pub(crate) fn page(&self, looking: &Looking, query: &str, form: &str, head: bool) -> Answer {
        let (reminder, posted) = match looking {
            Looking::Style => return style(),
            Looking::Page(reminder) => (reminder, false),
            Looking::Form(reminder) => (reminder, true),
        };
        let link = Link::read(query);
        if !self.office.desk.opens(reminder, link.until_s, &link.signature) {
            // whether the signature was ours is not told where the time is over
            let over = link.until_s < now_us() / 1_000_000 && !link.signature.is_empty();
            return self.shut(if over { Shut::Expired } else { Shut::Unknown });
        }
        let Some((shown, context, standing)) = self.office.desk.reminded(reminder) else { return self.shut(Shut::Unknown) };
        let context = Context { channel: "page".to_owned(), ..context };
        let sent = |what| Sent { what, protocol: "page", source: &context.institution, request: form.as_bytes() };
        if posted {
            return self.posted(reminder, query, form, context.clone(), sent("recognition/answer"));
        }
        if standing.is_none() && link.done.is_none() && !head {
            let reply = reply(reminder, context.clone(), Decision::View);
            let path = format!("/recognition/{reminder}");
            let sent = Sent { request: path.as_bytes(), ..sent("recognition/view") };
            // it was looked at already, or answered meanwhile: that forbids no second look
            if let Err(NotActed::Unkept) = self.office.act(self.asker, &reply, sent, |_| Vec::new()) {
                return self.shut(Shut::Unavailable);
            }
        }
        self.open(&View { done: link.done, ..self.view(shown, context, standing) })
    }

    fn view(&self, shown: Shown, context: Context, standing: Option<Choice>) -> View {
        View {
            report: result::report(self, &shown.reminder.result, &shown.reminder.report),
            person: result::person(self, &context.patient),
            reasons: self.office.desk.reasons(),
            shown,
            order: who::by_reference(self, &context.order),
            context,
            standing,
            done: None,
            wrong: Vec::new(),
        }
    }

    fn posted(&self, reminder: &str, query: &str, form: &str, context: Context, sent: Sent<'_>) -> Answer {
        let Some((decision, doctor)) = decision(form) else { return self.shut(Shut::Unknown) };
        let doctor = if context.doctor.is_empty() { doctor } else { context.doctor.clone() };
        let context = Context { doctor, ..context };
        let done = Done::of(&decision);
        match self.office.act(self.asker, &reply(reminder, context.clone(), decision), sent, |_| Vec::new()) {
            // seen again under its own address: a reload answers nothing a second time
            Ok(_) => {
                let link = query.split('&').filter(|f| !f.starts_with("done=")).collect::<Vec<_>>().join("&");
                let place = format!("{reminder}?{link}&done={}", done.map_or("", Done::name));
                let mut answer = self.guarded(Answer::other(HTML, Vec::new()));
                answer.status = StatusCode::SEE_OTHER;
                match HeaderValue::try_from(place) {
                    Ok(place) => answer.with(LOCATION, place),
                    Err(_) => self.shut(Shut::Unknown),
                }
            }
            Err(NotActed::Wrong(findings)) => {
                let Some((shown, _, standing)) = self.office.desk.reminded(reminder) else { return self.shut(Shut::Unknown) };
                let wrong = findings.into_iter().map(|f| (f.zh, f.en)).collect();
                let mut answer = self.open(&View { wrong, ..self.view(shown, context, standing) });
                answer.status = StatusCode::UNPROCESSABLE_ENTITY;
                answer
            }
            Err(NotActed::Unknown) => self.shut(Shut::Unknown),
            Err(NotActed::Unkept) => self.shut(Shut::Unavailable),
        }
    }

    fn open(&self, view: &View) -> Answer {
        self.guarded(Answer::other(HTML, view.write().into_bytes()))
    }

    pub(crate) fn unavailable(&self) -> Answer {
        self.shut(Shut::Unavailable)
    }

    fn shut(&self, why: Shut) -> Answer {
        let mut answer = self.guarded(Answer::other(HTML, why.write().into_bytes()));
        answer.status = why.status();
        answer
    }

    fn guarded(&self, answer: Answer) -> Answer {
        let frames = &self.office.frames;
        let who = if frames.is_empty() { "'none'".to_owned() } else { frames.join(" ") };
        let policy = format!("default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors {who}");
        let mut answer = answer.with(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        if let Ok(policy) = HeaderValue::try_from(policy) {
            answer = answer.with(http::header::CONTENT_SECURITY_POLICY, policy);
        }
        if frames.is_empty() {
            answer = answer.with(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        }
        answer.with(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex"))
    }
}

fn reply(reminder: &str, context: Context, decision: Decision) -> Reply {
    let order = context.order.clone();
    Reply { reminder: reminder.to_owned(), order, result: String::new(), context, at_us: now_us(), decision }
}

/// What the form says, and by whom where the question did not say it.
fn decision(form: &str) -> Option<(Decision, String)> {
    let (mut choice, mut reason, mut diagnosis, mut doctor) = (String::new(), String::new(), String::new(), String::new());
    for (name, value) in percent::fields(form).flatten() {
        match &*name {
            "decision" => choice = value.into_owned(),
            "reason" => reason = value.into_owned(),
            "doctor" => doctor = value.trim().chars().take(DOCTOR_MAX).collect(),
            "diagnosis" => diagnosis = value.trim().chars().take(DIAGNOSIS_MAX).collect(),
            _ => {}
        }
    }
    let decision = match choice.as_str() {
        "recognise" => Decision::Recognise,
        "refuse" => Decision::Refuse { reason, diagnosis },
        "revoke" => Decision::Revoke,
        _ => return None,
    };
    Some((decision, doctor))
}

/// The answer that stands, in words.
fn standing_text(choice: Choice) -> (&'static str, &'static str) {
    match choice {
        Choice::Recognised => ("已互认", "Recognised"),
        Choice::Refused => ("未互认，原因已记录", "Not recognised; the reason is on record"),
    }
}
