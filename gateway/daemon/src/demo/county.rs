//! 清江县: an invented county with eight institutions and some of its people. Nobody in it exists.

/// A member institution of the county's medical community.
pub(crate) struct Institution {
    /// MSH-4, namespace and source id.
    pub(crate) code: &'static str,
    pub(crate) zh: &'static str,
    pub(crate) en: &'static str,
    /// How its systems write Chinese on the wire.
    pub(crate) wire: Wire,
}

/// Charset on the wire, and whether MSH-18 says so.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Utf8,
    Gb18030Declared,
    /// GBK bytes, MSH-18 empty: what many old systems send.
    GbkUndeclared,
}

pub(crate) const COUNTY: [Institution; 8] = [
    Institution { code: "QJRMYY", zh: "清江县人民医院", en: "Qingjiang People's Hospital", wire: Wire::Utf8 },
    Institution { code: "QJZYY", zh: "清江县中医院", en: "Qingjiang Hospital of Chinese Medicine", wire: Wire::Gb18030Declared },
    Institution { code: "QJFYBJ", zh: "清江县妇幼保健院", en: "Qingjiang Maternal and Child Health Hospital", wire: Wire::Utf8 },
    Institution { code: "LXZXWSY", zh: "柳溪中心卫生院", en: "Liuxi Central Township Health Centre", wire: Wire::GbkUndeclared },
    Institution { code: "SQWSY", zh: "石桥镇卫生院", en: "Shiqiao Township Health Centre", wire: Wire::GbkUndeclared },
    Institution { code: "BHWSY", zh: "白鹤乡卫生院", en: "Baihe Township Health Centre", wire: Wire::Utf8 },
    Institution {
        code: "CNSQ", zh: "城南社区卫生服务中心", en: "Chengnan Community Health Service Centre", wire: Wire::Gb18030Declared
    },
    Institution { code: "QPCWS", zh: "青坪村卫生室", en: "Qingping Village Clinic", wire: Wire::Utf8 },
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
    Person {
        mrn: "10001",
        name: "秦望舒",
        pinyin: "QIN WANGSHU",
        sex: 'F',
        birth: "19680412",
        phone: "13800000001",
        village: "石桥镇青坪村2组",
    },
    Person {
        mrn: "10002",
        name: "邵云起",
        pinyin: "SHAO YUNQI",
        sex: 'M',
        birth: "19550930",
        phone: "13800000002",
        village: "柳溪镇河口村5组",
    },
    Person {
        mrn: "10003",
        name: "欧阳昞",
        pinyin: "OUYANG BING",
        sex: 'M',
        birth: "19820117",
        phone: "13800000003",
        village: "白鹤乡白鹤村1组",
    },
    Person {
        mrn: "10004",
        name: "姚谞",
        pinyin: "YAO XU",
        sex: 'F',
        birth: "19910722",
        phone: "13800000004",
        village: "城南社区滨江路18号",
    },
    Person {
        mrn: "10005",
        name: "骆清和",
        pinyin: "LUO QINGHE",
        sex: 'M',
        birth: "20190305",
        phone: "13800000005",
        village: "石桥镇老街7号",
    },
    Person {
        mrn: "10006",
        name: "温如许",
        pinyin: "WEN RUXU",
        sex: 'F',
        birth: "19470811",
        phone: "13800000006",
        village: "柳溪镇柳溪村3组",
    },
    Person {
        mrn: "10007", name: "燕镕", pinyin: "YAN RONG", sex: 'M', birth: "19730226", phone: "13800000007", village: "县城建设路66号"
    },
    Person {
        mrn: "10008",
        name: "喻采薇",
        pinyin: "YU CAIWEI",
        sex: 'F',
        birth: "20020514",
        phone: "13800000008",
        village: "白鹤乡新桥村4组",
    },
];

impl Person {
    /// An 18-digit 身份证 number with a true check digit (GB 11643) and a region code that no region has.
    pub(crate) fn id_card(&self) -> String {
        let sequence = if self.sex == 'M' { "013" } else { "024" };
        with_check_digit(&format!("999900{}{sequence}", self.birth))
    }
}

/// The 18-digit number of 17 digits.
pub(crate) fn with_check_digit(body: &str) -> String {
    let check = hutong_fhir::identifier::identity_card_check_digit(body).unwrap_or_default();
    format!("{body}{check}")
}
