//! What the columns of a table are, by their names.

use crate::table::ValueKind;
use std::borrow::Cow;

/// Levels of broader concepts that a row can name.
pub(super) const LEVELS_MAX: u8 = 8;

/// Types of R4 that a property can have.
const TYPES: [&str; 7] = ["code", "Coding", "string", "integer", "boolean", "dateTime", "decimal"];

/// A role of a column.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Role {
    Code,
    Display,
    Parent,
    Definition,
    Designation { language: String },
    Inactive,
    Abstract,
    Level(u8),
    LevelDisplay(u8),
    Property { code: String, type_name: &'static str },
    Ignored,
}

pub(super) struct Column {
    pub(super) role: Role,
}

impl Column {
    /// What its cells are kept as; those with a meaning of their own are not kept beside it.
    pub(super) fn value_kind(&self) -> Option<ValueKind> {
        match &self.role {
            Role::Designation { language } => Some(ValueKind::Designation { language: language.clone(), use_: String::new() }),
            Role::Property { code, type_name } => Some(ValueKind::Property { code: code.clone(), type_name }),
            _ => None,
        }
    }
}

/// Names under which columns of published tables come: LOINC's own, and Chinese ones.
const KNOWN: [(&str, &str); 38] = [
    ("LOINC_NUM", "code"),
    ("LONG_COMMON_NAME", "display"),
    ("SHORTNAME", "designation:en"),
    ("STATUS", "status"),
    ("代码", "code"),
    ("编码", "code"),
    ("名称", "display"),
    ("诊断代码", "code"),
    ("诊断编码", "code"),
    ("诊断名称", "display"),
    ("疾病编码", "code"),
    ("疾病名称", "display"),
    ("主要编码", "code"),
    ("手术操作代码", "code"),
    ("手术操作名称", "display"),
    ("药品代码", "code"),
    ("药品编码", "code"),
    ("药品名称", "display"),
    ("注册名称", "display"),
    ("上级代码", "parent"),
    ("父级代码", "parent"),
    ("定义", "definition"),
    ("说明", "definition"),
    ("别名", "designation:zh"),
    ("状态", "status"),
    ("章代码范围", "level:1"),
    ("章的名称", "level:1:display"),
    ("章名称", "level:1:display"),
    ("节代码范围", "level:2"),
    ("节的名称", "level:2:display"),
    ("节名称", "level:2:display"),
    ("类目代码", "level:3"),
    ("类目名称", "level:3:display"),
    ("亚目代码", "level:4"),
    ("亚目名称", "level:4:display"),
    ("细目代码", "level:5"),
    ("细目名称", "level:5:display"),
    ("序号", "-"),
];

/// Of LOINC's many columns those that FHIR names as properties (LOINC in FHIR R4, §4.3.9.1); the others are left out.
const LOINC: [&str; 14] = [
    "COMPONENT",
    "PROPERTY",
    "TIME_ASPCT",
    "SYSTEM",
    "SCALE_TYP",
    "METHOD_TYP",
    "CLASS",
    "CLASSTYPE",
    "ORDER_OBS",
    "VersionLastChanged",
    "EXAMPLE_UCUM_UNITS",
    "PanelType",
    "UNITSREQUIRED",
    "CONSUMER_NAME",
];

/// The canonical URL of a published table that can be told by its columns.
pub(super) fn system_of(names: &[Cow<'_, str>]) -> Option<&'static str> {
    names.iter().any(|n| n.trim() == "LOINC_NUM").then_some("http://loinc.org")
}

/// Whether a status says that a code is no longer used.
pub(super) fn is_out_of_use(status: &str) -> bool {
    let status = status.to_lowercase();
    matches!(status.as_str(), "inactive" | "retired" | "deprecated" | "discontinued" | "停用" | "作废" | "废止" | "失效")
}

/// The columns; `named` gives the roles of those with other names.
pub(super) fn of(names: &[Cow<'_, str>], named: &[(String, String)]) -> Result<Vec<Column>, (String, String)> {
    let is_loinc = system_of(names).is_some();
    if let Some((name, _)) = named.iter().find(|(n, _)| !names.iter().any(|c| c.trim() == n)) {
        return Err((format!("#column 指定的列“{name}”不存在"), format!("there is no column '{name}', which a #column names")));
    }
    let mut out: Vec<Column> = Vec::with_capacity(names.len());
    for name in names {
        let name = name.trim();
        let given = named.iter().find(|(n, _)| n == name).map(|(_, role)| role.as_str());
        let known = || KNOWN.iter().find(|(n, _)| *n == name).map(|(_, role)| *role);
        let text = given.or_else(known).unwrap_or(name);
        let role = role(text)
            .ok_or_else(|| (format!("列“{name}”的角色“{text}”不正确"), format!("role '{text}' of column '{name}' is not right")))?;
        let left_out = is_loinc
            && given.is_none()
            && matches!(&role, Role::Property { code, .. } if code != "status" && !LOINC.contains(&code.as_str()));
        let role = if left_out { Role::Ignored } else { role };
        let single = matches!(role, Role::Code | Role::Display | Role::Definition | Role::Level(_) | Role::LevelDisplay(_));
        if single && out.iter().any(|c| c.role == role) {
            return Err((format!("列“{name}”与另一列角色相同（{text}）"), format!("column '{name}' has the role of another one ({text})")));
        }
        out.push(Column { role });
    }
    for needed in [Role::Code, Role::Display] {
        if !out.iter().any(|c| c.role == needed) {
            let which = if needed == Role::Code { "code" } else { "display" };
            return Err((format!("缺少列“{which}”"), format!("there is no column '{which}'")));
        }
    }
    Ok(out)
}

fn role(text: &str) -> Option<Role> {
    let lower = text.to_lowercase();
    let property = |code: &str, type_name| Some(Role::Property { code: code.to_owned(), type_name });
    Some(match lower.as_str() {
        "code" => Role::Code,
        "display" => Role::Display,
        "parent" => Role::Parent,
        "definition" => Role::Definition,
        "designation" => Role::Designation { language: String::new() },
        "inactive" => Role::Inactive,
        "abstract" | "notselectable" => Role::Abstract,
        "status" => return property("status", "code"),
        "-" | "" => Role::Ignored,
        _ => {
            if let Some(language) = text.strip_prefix("designation:") {
                return Some(Role::Designation { language: language.to_owned() });
            }
            if let Some(level) = lower.strip_prefix("level:") {
                let (number, display) = level.split_once(':').map_or((level, None), |(n, d)| (n, Some(d)));
                let number = number.parse().ok().filter(|n| (1..=LEVELS_MAX).contains(n))?;
                return match display {
                    None => Some(Role::Level(number)),
                    Some("display") => Some(Role::LevelDisplay(number)),
                    Some(_) => None,
                };
            }
            let name = text.strip_prefix("property:").unwrap_or(text);
            return match name.rsplit_once(':') {
                Some((code, type_name)) => property(code, TYPES.iter().find(|t| **t == type_name)?),
                None => property(name, "string"),
            };
        }
    })
}
