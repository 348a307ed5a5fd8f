//! The master data of 清江县, imported through the running gateway before the first message: whose institutions these are, which
//! items count as the same, what they cost, which results may be recognised.

use super::county::{COUNTY, REGION, Tier};

/// Tables in the order in which they are imported: what others name comes first.
pub(super) fn tables() -> Vec<(&'static str, String)> {
    vec![
        ("institutions", institutions()),
        ("departments", DEPARTMENTS.to_owned()),
        ("practitioners", PRACTITIONERS.to_owned()),
        ("items", ITEMS.to_owned()),
        ("item-codes", codes()),
        ("prices", PRICES.to_owned()),
        ("rules", RULES.to_owned()),
        ("marks", MARKS.to_owned()),
        ("reasons", REASONS.to_owned()),
        ("certificates", CERTIFICATES.to_owned()),
    ]
}

/// Rows of a table, without its notes and its head.
pub(super) fn rows(text: &str) -> usize {
    text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).count().saturating_sub(1)
}

/// A table that must be refused whole: a certificate of an item that nobody has.
pub(super) const WRONG: &str = "#version demo-wrong\ninstitution,department,item,scheme,year,result,valid_from,valid_to,evidence\n\
    QJRMYY,,K,全国,2026,合格,2026-01-01,2026-12-31,EQA-1\nQJRMYY,,KALIUM,全国,2026,合格,2026-01-01,2026-12-31,EQA-2\n";

/// What of the rules and marks is shipped.
const RULES: &str = include_str!("../../../../profiles/policy/recognition/demo.rules.tsv");
const MARKS: &str = include_str!("../../../../profiles/policy/recognition/marks.tsv");
const REASONS: &str = include_str!("../../../../profiles/policy/recognition/reasons.tsv");

/// All of the county.
pub(crate) fn institutions() -> String {
    let mut text = String::from("code,name,region,tier,ws218,community,leads,parent\n");
    for i in &COUNTY {
        let (leads, parent) = if i.code == "QJRMYY" { ("yes", "") } else { ("", "QJRMYY") };
        let tier = match i.tier {
            Tier::County => "county",
            Tier::Township => "township",
            Tier::Village => "village",
        };
        text.push_str(&format!("{},{},{REGION},{tier},{},QJYGT,{leads},{parent}\n", i.code, i.zh, i.ws218));
    }
    text
}

const DEPARTMENTS: &str = "institution,code,name,kind\nQJRMYY,JYK,检验科,A30\nQJRMYY,YXK,影像诊断中心,A32\nQJRMYY,XDK,心电诊断中心,A32\n\
    QJRMYY,BLK,病理科,A31\nQJZYY,03,内科,A03\nSQWSY,03,内科,A03\nBHWSY,03,内科,A03\n";

const PRACTITIONERS: &str = "institution,code,name,department,title\nQJRMYY,801,段青,YXK,副主任医师\nQJRMYY,811,罗小满,JYK,主管检验师\n\
    QJRMYY,821,纪闻笛,XDK,主治医师\nQJRMYY,831,商羽,BLK,副主任医师\nQJZYY,208,许知远,03,主治医师\nSQWSY,316,周砚,03,执业医师\n\
    BHWSY,402,苏未,03,执业助理医师\n";

const ITEMS: &str = "code,name,kind,parts,loinc,unit\nGLU,葡萄糖,检验,,14749-6,mmol/L\nALT,丙氨酸氨基转移酶,检验,,1742-6,U/L\n\
    AST,天门冬氨酸氨基转移酶,检验,,1920-8,U/L\nTP,总蛋白,检验,,2885-2,g/L\nALB,白蛋白,检验,,1751-7,g/L\nCREA,肌酐,检验,,14682-9,umol/L\n\
    UREA,尿素,检验,,22664-7,mmol/L\nK,钾,检验,,2823-3,mmol/L\nNA,钠,检验,,2951-2,mmol/L\nTG,甘油三酯,检验,,14927-8,mmol/L\n\
    HBA1C,糖化血红蛋白,检验,,4548-4,%\nWBC,白细胞计数,检验,,6690-2,10*9/L\n\
    BIO10,生化十项,检验,GLU ALT AST TP ALB CREA UREA K NA TG,,\nDR-CHEST,胸部正侧位,影像,,,\nCT-HEAD,头颅CT平扫,影像,,,\n\
    US-ABD,腹部彩超,影像,,,\nECG12,常规十二导联心电图,电生理,,,\nPATH-BX,活检组织病理,病理,,,\n";

/// What the institutions' systems call an item, and which item it is.
const LOCAL: [(&str, &str); 17] = [
    ("GLU", "GLU"),
    ("ALT", "ALT"),
    ("AST", "AST"),
    ("TP", "TP"),
    ("ALB", "ALB"),
    ("CREA", "CREA"),
    ("UREA", "UREA"),
    ("K", "K"),
    ("NA", "NA"),
    ("TG", "TG"),
    ("SH10", "BIO10"),
    ("BB04", "DR-CHEST"),
    ("BB11", "CT-HEAD"),
    ("CS02", "US-ABD"),
    ("XD001", "ECG12"),
    ("BL01", "PATH-BX"),
    ("XCG-WBC", "WBC"),
];

/// The system under which the mappings write an institution's own codes.
pub(super) fn system(code: &str) -> String {
    format!("http://fhir.med-community.cn/gw/NamingSystem/urn%3Ahutong%3A{}/L", code.to_lowercase())
}

fn codes() -> String {
    let mut text = String::from("institution,system,code,item\n");
    for i in &COUNTY {
        for (code, item) in LOCAL {
            text.push_str(&format!("{},{},{code},{item}\n", i.code, system(i.code)));
        }
    }
    text
}

const PRICES: &str = "#version 清江-演示-1\ninstitution,item,price\n*,K,4.50\n*,GLU,4.00\n*,ALT,5.00\n*,AST,5.00\n*,DR-CHEST,76\n*,CT-HEAD,180\n\
    *,ECG12,20\nQJZYY,GLU,4.20\n";

/// The hospital's certificates hold; that of 县中医院 for ALT lapsed long ago.
const CERTIFICATES: &str = "#version 演示-1\ninstitution,department,item,scheme,year,result,valid_from,valid_to,evidence\n\
    QJRMYY,,K,全国,‹last year›,合格,‹last year›-01-01,‹year›-12-31,EQA-K\n\
    QJRMYY,,GLU,全国,‹last year›,合格,‹last year›-01-01,‹year›-12-31,EQA-GLU\n\
    QJRMYY,,AST,全国,‹last year›,合格,‹last year›-01-01,‹year›-12-31,EQA-AST\n\
    QJZYY,,ALT,省,‹long ago›,合格,‹long ago›-01-01,‹long ago›-12-31,CQ-EQA-ALT\n";
