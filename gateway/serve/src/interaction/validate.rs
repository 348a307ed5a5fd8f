//! `$validate` (<https://hl7.org/fhir/R4/resource-operation-validate.html>): what was sent or, on an instance, what is
//! stored, judged without being kept. The answer is an OperationOutcome, also where it says that nothing fits.

use std::time::{SystemTime, UNIX_EPOCH};

use hutong_fhir::fhirpath::Moment;
use hutong_fhir::{Finding, Location, Severity, Tree, outcome};
use hutong_validate::{Demands, Document, Syntax};
use hutong_wire::limits::Limits;

use crate::answer::Answer;
use crate::document::{self, Sent};
use crate::library::Edition;
use crate::parameters;
use crate::params::Fields;
use crate::refusal::Refusal;
use crate::source::Source;

/// The time for invariants that ask for it.
fn now() -> Option<Moment> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Moment::from_unix_ms(i64::try_from(since.as_millis()).ok()?)
}

/// What the judged resource would be used for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Whatever it may be.
    Any,
    Create,
    Update,
    Delete,
}

/// A request, read.
pub(crate) struct Request<'a> {
    /// As in the address; `Resource` stands for any.
    pub(crate) kind: &'a str,
    pub(crate) id: Option<&'a str>,
    /// Absent: a `GET`.
    pub(crate) body: Option<Sent>,
}

pub(crate) fn answer(
    source: &dyn Source,
    edition: &Edition,
    request: Request<'_>,
    fields: &Fields,
    limits: &Limits,
) -> Result<Answer, Refusal> {
    let Request { kind, id, body } = request;
    if kind != "Resource" && edition.knowledge.definitions.resource_named(kind).is_none() {
        return Err(Refusal::unknown_type(kind));
    }
    let sent = body.as_ref().map(|sent| sent.read(limits)).transpose()?;
    let in_parameters = kind != "Parameters" && sent.as_ref().is_some_and(|d| d.tree.root().resource_type() == Some("Parameters"));
    let (sent, mut asked) = match &sent {
        Some(whole) if in_parameters => {
            let resource = parameters::named(&whole.tree, "resource").find_map(|p| p.get("resource"));
            (resource.map(|r| Judged::Part(whole.part(r))), Asked::of(&whole.tree)?)
        }
        Some(whole) => (Some(Judged::Whole(whole)), Asked::default()),
        None => (None, Asked::default()),
    };
    asked.add(Asked::of(&parameters::of_address(crate::operation::Operation::Validate, fields)?)?)?;
    if asked.profiles.iter().any(|canonical| edition.knowledge.profile_type(canonical).is_none()) {
        return Err(Refusal::unknown_profile());
    }
    if asked.mode == Mode::Delete {
        return Ok(told(&[no_delete()]));
    }
    let kept;
    let document = match (&sent, id) {
        (Some(Judged::Whole(document)), _) => *document,
        (Some(Judged::Part(document)), _) => document,
        (None, Some(id)) => {
            kept = stored(source, edition, kind, id)?;
            &document::read(&kept, Syntax::Json, limits)?
        }
        (None, None) => return Err(Refusal::no_resource()),
    };
    let named = document.tree.root().resource_type();
    if kind != "Resource" && named.is_some_and(|of| of != kind && edition.knowledge.definitions.resource_named(of).is_some()) {
        return Err(Refusal::other_type(kind));
    }
    let mut findings = mode_findings(asked.mode, id, &document.tree);
    let demands = Demands { profiles: &asked.profiles, now: now(), ..Demands::default() };
    findings.extend(edition.validator.judge(document, &demands));
    Ok(told(&findings))
}

/// `mode` and `profile`.
struct Asked {
    mode: Mode,
    profiles: Vec<String>,
}

impl Default for Asked {
    fn default() -> Asked {
        Asked { mode: Mode::Any, profiles: Vec::new() }
    }
}

impl Asked {
    fn of(parameters: &Tree) -> Result<Asked, Refusal> {
        let mut asked = Asked::default();
        for mode in parameters::named(parameters, "mode") {
            asked.mode = match parameters::text(mode).unwrap_or_default() {
                "create" => Mode::Create,
                "update" => Mode::Update,
                "delete" => Mode::Delete,
                "profile" => Mode::Any,
                _ => return Err(Refusal::unsupported_value("mode", "create, update, delete, profile")),
            };
        }
        asked.profiles.extend(parameters::named(parameters, "profile").filter_map(parameters::text).map(str::to_owned));
        Ok(asked)
    }

    fn add(&mut self, other: Asked) -> Result<(), Refusal> {
        self.profiles.extend(other.profiles);
        match (self.mode, other.mode) {
            (Mode::Any, mode) => self.mode = mode,
            (_, Mode::Any) => {}
            _ => return Err(Refusal::given_twice("mode")),
        }
        Ok(())
    }
}

/// What is to be judged: what was sent, or the resource in it.
enum Judged<'a> {
    Whole(&'a Document<'a>),
    Part(Document<'a>),
}

/// What is stored under the address.
fn stored(source: &dyn Source, edition: &Edition, kind: &str, id: &str) -> Result<Vec<u8>, Refusal> {
    match hutong_commit::search::table::of(kind) {
        Some(table) => {
            let found = source.read(table.resource_type, id)?.ok_or_else(Refusal::not_found)?;
            if found.deleted {
                return Err(Refusal::gone(found.version));
            }
            Ok(found.body)
        }
        None => edition.shelf().read(kind, id).map(|r| r.body.clone()).ok_or_else(Refusal::not_found),
    }
}

/// What follows from the mode alone.
fn mode_findings(mode: Mode, id: Option<&str>, tree: &Tree) -> Vec<Finding> {
    let root = tree.root();
    let at =
        |name: &str| Location::Path { expression: format!("{}.{name}", root.resource_type().unwrap_or("Resource")), line: 0, column: 0 };
    let mut found = Vec::new();
    if mode == Mode::Update && id.is_some() && root.at("id") != id {
        found.push(Finding::new(Severity::Error, "fhir.operation.id", "invalid", 0).at(at("id")).says(
            "资源的 id 与地址中的不同，更新会被拒绝；请使两者一致",
            "the id of the resource is not that of the address, so an update would be refused; make them the same",
        ));
    }
    if mode == Mode::Create && root.get("id").is_some() {
        found.push(
            Finding::new(Severity::Information, "fhir.operation.id", "informational", 0)
                .at(at("id"))
                .says("新建时服务器自行给出 id，这里的 id 不起作用", "on create the server gives the id; the one here has no effect"),
        );
    }
    if matches!(mode, Mode::Create | Mode::Update) {
        found.push(read_only(Severity::Information));
    }
    found
}

fn read_only(severity: Severity) -> Finding {
    Finding::new(severity, "fhir.write", "not-supported", 0).says(
        "只判断内容：本服务的 FHIR 接口只读，数据由医院的消息写入",
        "only the content is judged: this FHIR interface is read-only, data enter by the hospitals' messages",
    )
}

fn no_delete() -> Finding {
    Finding::new(Severity::Error, "fhir.write", "not-supported", 0).says(
        "删除会被拒绝：本服务的 FHIR 接口只读；撤销由医院的消息（如取消医嘱、作废报告）完成",
        "a delete would be refused: this FHIR interface is read-only; what is to be withdrawn is withdrawn by the hospital's messages",
    )
}

fn told(findings: &[Finding]) -> Answer {
    let mut out = Vec::with_capacity(512);
    outcome::write(findings, &mut out);
    Answer::fhir(out)
}
