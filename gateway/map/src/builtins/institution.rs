//! `institution_system(x)`: the system to which an institution's code belongs, by its form: 医疗机构代码 (22 characters),
//! 统一社会信用代码 (18), 村卫生室代码 (12 digits), 组织机构代码 (9), all with their check characters; anything else is a number
//! of the community's own registry.

use super::{Builtin, Gives, example};
use hutong_fhir::identifier::{Kind, check};
use std::borrow::Cow;

const SYSTEMS: [(usize, Kind, &str); 4] = [
    (22, Kind::Institution, "http://fhir.med-community.cn/gw/NamingSystem/institution-code"),
    (18, Kind::SocialCredit, "http://fhir.med-community.cn/gw/NamingSystem/social-credit-code"),
    (12, Kind::VillageClinic, "http://fhir.med-community.cn/gw/NamingSystem/village-clinic-code"),
    (9, Kind::Organization, "http://fhir.med-community.cn/gw/NamingSystem/organization-code"),
];
const COMMUNITY: &str = "http://fhir.med-community.cn/gw/NamingSystem/community-institution";

pub(super) const BUILTIN: Builtin = Builtin {
    name: "institution_system",
    args: (1, 1),
    labels: &[],
    gives: Gives::Text,
    run: |e, args, _| super::each(e, args, |_, t| Some(Cow::Borrowed(national(&t).unwrap_or(COMMUNITY)))),
    examples: &[
        example("91110000600037341L", "institution_system(x)", &["http://fhir.med-community.cn/gw/NamingSystem/social-credit-code"]),
        example("QJRMYY", "institution_system(x)", &[COMMUNITY]),
        example("911100006000373410", "institution_system(x)", &[COMMUNITY]),
    ],
};

/// The system of a national code; `None` where the text is none.
pub(crate) fn national(text: &str) -> Option<&'static str> {
    let (_, kind, system) = SYSTEMS.iter().find(|(length, ..)| *length == text.len())?;
    check(*kind, text).is_ok().then_some(*system)
}
