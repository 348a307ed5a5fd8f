//! 清江县: an invented county with eight institutions and some of its people. Nobody in it exists.

/// A member institution of the county's medical community.
pub(crate) struct Institution {
    /// MSH-4, namespace and source id.
    pub(crate) code: &'static str,
    pub(crate) zh: &'static str,
    pub(crate) en: &'static str,
    /// How its systems write Chinese on the wire.
    pub(crate) wire: Wire,
    pub(crate) tier: Tier,
    /// WS 218 type.
    pub(crate) ws218: &'static str,
}

/// 县、乡、村
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tier {
    County,
    Township,
    Village,
}

/// Charset on the wire, and whether MSH-18 says so.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Utf8,
    Gb18030Declared,
    /// GBK bytes, MSH-18 empty: what many old systems send.
    GbkUndeclared,
}

/// 行政区划代码 within 重庆 that no county has.
pub(crate) const REGION: &str = "500299";

pub(crate) const COUNTY: [Institution; 8] = [
    Institution {
        code: "QJRMYY",
        zh: "清江县人民医院",
        en: "Qingjiang People's Hospital",
        wire: Wire::Utf8,
        tier: Tier::County,
        ws218: "A100",
    },
    Institution {
        code: "QJZYY",
        zh: "清江县中医院",
        en: "Qingjiang Hospital of Chinese Medicine",
        wire: Wire::Gb18030Declared,
        tier: Tier::County,
        ws218: "A210",
    },
    Institution {
        code: "QJFYBJ",
        zh: "清江县妇幼保健院",
        en: "Qingjiang Maternal and Child Health Hospital",
        wire: Wire::Utf8,
        tier: Tier::County,
        ws218: "F100",
    },
    Institution {
        code: "LXZXWSY",
        zh: "柳溪中心卫生院",
        en: "Liuxi Central Township Health Centre",
        wire: Wire::GbkUndeclared,
        tier: Tier::Township,
        ws218: "C210",
    },
    Institution {
        code: "SQWSY",
        zh: "石桥镇卫生院",
        en: "Shiqiao Township Health Centre",
        wire: Wire::GbkUndeclared,
        tier: Tier::Township,
        ws218: "C220",
    },
    Institution {
        code: "BHWSY",
        zh: "白鹤乡卫生院",
        en: "Baihe Township Health Centre",
        wire: Wire::Utf8,
        tier: Tier::Township,
        ws218: "C220",
    },
    Institution {
        code: "CNSQ",
        zh: "城南社区卫生服务中心",
        en: "Chengnan Community Health Service Centre",
        wire: Wire::Gb18030Declared,
        tier: Tier::Township,
        ws218: "B100",
    },
    Institution {
        code: "QPCWS", zh: "青坪村卫生室", en: "Qingping Village Clinic", wire: Wire::Utf8, tier: Tier::Village, ws218: "D600"
    },
];

pub(crate) fn institution(code: &str) -> &'static Institution {
    COUNTY.iter().find(|i| i.code == code).unwrap_or(&COUNTY[0])
}

/// An invented person.
pub(crate) struct Person {
    pub(crate) mrn: &'static str,
    pub(crate) name: &'static str,
    pub(crate) pinyin: &'static str,
    pub(crate) sex: char,
    /// YYYYMMDD
    pub(crate) birth: &'static str,
    pub(crate) phone: &'static str,
    pub(crate) village: &'static str,
}

pub(crate) const PEOPLE: [Person; 8] = [
    person("10001", "秦望舒", "QIN WANGSHU", 'F', "19680412", "13800000001", "石桥镇青坪村2组"),
    person("10002", "邵云起", "SHAO YUNQI", 'M', "19550930", "13800000002", "柳溪镇河口村5组"),
    person("10003", "欧阳昞", "OUYANG BING", 'M', "19820117", "13800000003", "白鹤乡白鹤村1组"),
    person("10004", "姚谞", "YAO XU", 'F', "19910722", "13800000004", "城南社区滨江路18号"),
    person("10005", "骆清和", "LUO QINGHE", 'M', "20190305", "13800000005", "石桥镇老街7号"),
    person("10006", "温如许", "WEN RUXU", 'F', "19470811", "13800000006", "柳溪镇柳溪村3组"),
    person("10007", "燕镕", "YAN RONG", 'M', "19730226", "13800000007", "县城建设路66号"),
    person("10008", "喻采薇", "YU CAIWEI", 'F', "20020514", "13800000008", "白鹤乡新桥村4组"),
];

impl Person {
    /// An 18-digit 身份证 number with a true check digit (GB 11643) and a region code that no region has.
    pub(crate) fn id_card(&self) -> String {
        let sequence = if self.sex == 'M' { "013" } else { "024" };
        with_check_digit(&format!("999900{}{sequence}", self.birth))
    }

    /// The number that the same person had before 1999: 15 digits.
    pub(crate) fn id_card_15(&self) -> String {
        let (card, short) = (self.id_card(), self.birth.get(2..).unwrap_or_default());
        format!("999900{short}{}", card.get(14..17).unwrap_or_default())
    }
}

/// People of the later chapters: who has results at three institutions, who came without a name, whose examinations are read
/// above, and one whom systems made up to test themselves.
pub(crate) const CHENG: Person = person("10021", "程怀瑾", "CHENG HUAIJIN", 'F', "19660312", "13800000021", "石桥镇老街21号");
pub(crate) const LU: Person = person("10022", "陆知白", "LU ZHIBAI", 'M', "19790628", "13800000022", "白鹤乡白鹤村6组");
pub(crate) const READ_ABOVE: [Person; 6] = [
    person("10031", "柏舟", "BO ZHOU", 'M', "19610205", "13800000031", "石桥镇石桥村1组"),
    person("10032", "闻人雪", "WENREN XUE", 'F', "19580519", "13800000032", "柳溪镇柳溪村8组"),
    person("10033", "钟离谷", "ZHONGLI GU", 'M', "19490901", "13800000033", "石桥镇青坪村4组"),
    person("10034", "白露", "BAI LU", 'F', "19750907", "13800000034", "白鹤乡新桥村2组"),
    person("10035", "顾南洲", "GU NANZHOU", 'M', "19880111", "13800000035", "城南社区滨江路30号"),
    person("10036", "沈既明", "SHEN JIMING", 'M', "19531224", "13800000036", "柳溪镇河口村1组"),
];
pub(crate) const MADE_UP: Person = person("10099", "测试患者", "CESHI HUANZHE", 'M', "19900101", "13800000099", "石桥镇");

const fn person(
    mrn: &'static str,
    name: &'static str,
    pinyin: &'static str,
    sex: char,
    birth: &'static str,
    phone: &'static str,
    village: &'static str,
) -> Person {
    Person { mrn, name, pinyin, sex, birth, phone, village }
}

/// The 18-digit number of 17 digits.
pub(crate) fn with_check_digit(body: &str) -> String {
    let check = hutong_fhir::identifier::identity_card_check_digit(body).unwrap_or_default();
    format!("{body}{check}")
}
