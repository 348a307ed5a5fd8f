//! What the rows of each table hold.

use hutong_fhir::sheet::Row;

pub(crate) type Wrong = (&'static str, &'static str, &'static str);

/// A row of a table.
pub(crate) trait Record: Clone + PartialEq {
    const COLUMNS: &'static [&'static str];

    fn of(row: Row<'_, '_>) -> Result<Self, Wrong>;

    /// What it is found by; unique on a day.
    fn key(&self) -> String;
}

/// Where an institution stands (机构层级).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Tier {
    /// 村
    Village,
    /// 乡
    Township,
    /// 县
    County,
    /// 市
    City,
}

/// An institution (医疗卫生机构).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Institution {
    pub code: String,
    pub name: String,
    /// GB/T 2260, six digits.
    pub region: String,
    pub tier: Tier,
    /// WS 218, such as C220 乡卫生院.
    pub ws218: String,
    /// 医共体; empty = none.
    pub community: String,
    /// Leads its community (牵头医院).
    pub leads: bool,
    /// The institution it belongs to.
    pub parent: String,
    /// 统一社会信用代码.
    pub uscc: String,
}

impl Record for Institution {
    const COLUMNS: &'static [&'static str] =
        &["code", "name", "region", "tier", "ws218?", "community?", "leads?", "parent?", "uscc?", "effective_from?", "effective_to?"];

    fn of(row: Row<'_, '_>) -> Result<Institution, Wrong> {
        let region = need(row, "region")?;
        if region.len() != 6 || !region.bytes().all(|b| b.is_ascii_digit()) {
            return Err(("region", "行政区划代码须为 6 位数字（GB/T 2260）", "a region is six digits (GB/T 2260)"));
        }
        let tier = match row.get("tier") {
            "village" | "村" => Tier::Village,
            "township" | "乡" => Tier::Township,
            "county" | "县" => Tier::County,
            "city" | "市" => Tier::City,
            _ => return Err(("tier", "层级须为 村、乡、县 或 市", "the tier must be village, township, county or city")),
        };
        let uscc = row.get("uscc").to_owned();
        if !uscc.is_empty() && hutong_fhir::identifier::SocialCredit::parse(&uscc).is_err() {
            return Err(("uscc", "统一社会信用代码不符合 GB 32100", "the social credit code does not meet GB 32100"));
        }
        Ok(Institution {
            code: need(row, "code")?,
            name: need(row, "name")?,
            region,
            tier,
            ws218: row.get("ws218").to_owned(),
            community: row.get("community").to_owned(),
            leads: yes(row, "leads")?,
            parent: row.get("parent").to_owned(),
            uscc,
        })
    }

    fn key(&self) -> String {
        self.code.clone()
    }
}

/// A department (科室).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Department {
    pub institution: String,
    pub code: String,
    pub name: String,
    /// SD01.01.003.00, such as A30 检验科.
    pub kind: String,
}

impl Record for Department {
    const COLUMNS: &'static [&'static str] = &["institution", "code", "name", "kind?", "effective_from?", "effective_to?"];

    fn of(row: Row<'_, '_>) -> Result<Department, Wrong> {
        Ok(Department {
            institution: need(row, "institution")?,
            code: need(row, "code")?,
            name: need(row, "name")?,
            kind: row.get("kind").to_owned(),
        })
    }

    fn key(&self) -> String {
        format!("{}|{}", self.institution, self.code)
    }
}

/// Somebody who orders, examines or reports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Practitioner {
    pub institution: String,
    pub code: String,
    pub name: String,
    pub department: String,
    /// CV08.30.005.
    pub title: String,
    /// Rights to prescribe and report, separated by blanks in the table.
    pub rights: Vec<String>,
}

impl Record for Practitioner {
    const COLUMNS: &'static [&'static str] =
        &["institution", "code", "name", "department?", "title?", "rights?", "effective_from?", "effective_to?"];

    fn of(row: Row<'_, '_>) -> Result<Practitioner, Wrong> {
        Ok(Practitioner {
            institution: need(row, "institution")?,
            code: need(row, "code")?,
            name: need(row, "name")?,
            department: row.get("department").to_owned(),
            title: row.get("title").to_owned(),
            rights: words(row, "rights"),
        })
    }

    fn key(&self) -> String {
        format!("{}|{}", self.institution, self.code)
    }
}

/// The national code system that an item's national code is of, where the table names none.
const NATIONAL: &str = "http://fhir.med-community.cn/gw/CodeSystem/national-item";
const LOINC: &str = "http://loinc.org";
const COMMUNITY: &str = "http://fhir.med-community.cn/gw/CodeSystem/community-item";

/// An item of the community's list (项目目录): what is ordered, and what results are of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    pub code: String,
    pub name: String,
    /// `laboratory imaging tracing pathology`
    pub kind: String,
    /// Of a panel, the items that it consists of.
    pub parts: Vec<String>,
    pub national: String,
    pub loinc: String,
    /// UCUM.
    pub unit: String,
    pub specimen: String,
    pub method: String,
}

impl Item {
    /// (system, code) of the item itself.
    pub fn codes(&self) -> impl Iterator<Item = (&str, &str)> {
        [(COMMUNITY, self.code.as_str()), (NATIONAL, &self.national), (LOINC, &self.loinc)].into_iter().filter(|(_, code)| !code.is_empty())
    }
}

impl Record for Item {
    const COLUMNS: &'static [&'static str] =
        &["code", "name", "kind", "parts?", "national?", "loinc?", "unit?", "specimen?", "method?", "effective_from?", "effective_to?"];

    fn of(row: Row<'_, '_>) -> Result<Item, Wrong> {
        let kind = match row.get("kind") {
            "laboratory" | "检验" => "laboratory",
            "imaging" | "影像" => "imaging",
            "tracing" | "电生理" => "tracing",
            "pathology" | "病理" => "pathology",
            _ => {
                return Err((
                    "kind",
                    "kind 须为 laboratory、imaging、tracing 或 pathology",
                    "kind must be laboratory, imaging, tracing or pathology",
                ));
            }
        };
        let unit = row.get("unit").to_owned();
        if !unit.is_empty() && !hutong_fhir::ucum::is_valid(&unit) {
            return Err(("unit", "单位不是 UCUM 代码", "the unit is no UCUM code"));
        }
        let own = |column| row.get(column).to_owned();
        Ok(Item {
            code: need(row, "code")?,
            name: need(row, "name")?,
            kind: kind.to_owned(),
            parts: words(row, "parts"),
            national: own("national"),
            loinc: own("loinc"),
            unit,
            specimen: own("specimen"),
            method: own("method"),
        })
    }

    fn key(&self) -> String {
        self.code.clone()
    }
}

/// How a table writes that codes come without a system.
const NO_SYSTEM: &str = "-";

/// An institution's code for an item (本院项目对照).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ItemCode {
    /// `*` = of all institutions.
    pub institution: String,
    /// URI of the code system, as the mappings write it; empty (`-` in the table): a code that is sent without one.
    pub system: String,
    pub code: String,
    pub item: String,
}

impl Record for ItemCode {
    const COLUMNS: &'static [&'static str] = &["institution", "system", "code", "item", "effective_from?", "effective_to?"];

    fn of(row: Row<'_, '_>) -> Result<ItemCode, Wrong> {
        Ok(ItemCode {
            institution: need(row, "institution")?,
            system: Some(need(row, "system")?).filter(|s| s != NO_SYSTEM).unwrap_or_default(),
            code: need(row, "code")?,
            item: need(row, "item")?,
        })
    }

    fn key(&self) -> String {
        format!("{}|{}|{}", self.institution, self.system, self.code)
    }
}

/// What an item costs (收费价格).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Price {
    /// `*` = of all institutions.
    pub institution: String,
    pub item: String,
    /// Fen (0.01 CNY).
    pub fen: i64,
}

impl Record for Price {
    const COLUMNS: &'static [&'static str] = &["institution", "item", "price", "effective_from?", "effective_to?"];

    fn of(row: Row<'_, '_>) -> Result<Price, Wrong> {
        let fen = fen(row.get("price")).ok_or((
            "price",
            "价格须为非负数，至多两位小数（元）",
            "a price is a number of CNY, not negative, with at most two decimals",
        ))?;
        Ok(Price { institution: need(row, "institution")?, item: need(row, "item")?, fen })
    }

    fn key(&self) -> String {
        format!("{}|{}", self.institution, self.item)
    }
}

/// Yuan with at most two decimals, as fen.
fn fen(text: &str) -> Option<i64> {
    let (yuan, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if yuan.is_empty() || yuan.len() > 9 || rest.len() > 2 || !digits(yuan) || !digits(rest) {
        return None;
    }
    let cents: i64 = format!("{rest:0<2}").parse().ok()?;
    Some(yuan.parse::<i64>().ok()? * 100 + cents)
}

fn need(row: Row<'_, '_>, column: &'static str) -> Result<String, Wrong> {
    match row.get(column) {
        "" => Err((column, "不能为空", "it must not be empty")),
        text => Ok(text.to_owned()),
    }
}

fn yes(row: Row<'_, '_>, column: &'static str) -> Result<bool, Wrong> {
    match row.get(column) {
        "yes" | "是" => Ok(true),
        "" | "no" | "否" => Ok(false),
        _ => Err((column, "须为 yes 或 no", "it must be yes or no")),
    }
}

fn words(row: Row<'_, '_>, column: &str) -> Vec<String> {
    row.get(column).split([' ', '、']).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}
