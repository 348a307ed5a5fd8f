//! Reading, writing, there and back, and what is refused.

use super::*;
use crate::json::{self, JsonLimits};
use crate::tree::{Kind, Tree};

fn read(text: &str) -> (Tree, Vec<XmlIssue>) {
    parse(text.as_bytes(), &XmlLimits::default()).map_err(|e| format!("{e:?}")).unwrap()
}

fn as_json(tree: &Tree) -> String {
    let mut out = Vec::new();
    json::write(tree.root(), &mut out);
    String::from_utf8(out).unwrap()
}

fn from_json(text: &str) -> Tree {
    json::parse(text.as_bytes(), &JsonLimits::default()).map_err(|e| format!("{e:?}")).unwrap().0
}

fn fails(text: &str) -> XmlErrorKind {
    parse(text.as_bytes(), &XmlLimits::default()).err().map(|e| e.kind).unwrap()
}

fn issues(text: &str) -> Vec<(XmlIssueKind, String)> {
    read(text).1.into_iter().map(|i| (i.kind, i.name)).collect()
}

/// A resource of each shape that JSON and XML write differently.
const RESOURCES: [&str; 9] = [
    r#"{"resourceType":"Patient","id":"p1","active":true,"name":[{"family":"张","given":["三","\"x\\\n\t<&>"]}]}"#,
    r#"{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.50}}"#,
    r#"{"resourceType":"Patient","birthDate":"2020","_birthDate":{"id":"b","extension":[{"url":"http://u","valueCode":"x"}]}}"#,
    r#"{"resourceType":"Patient","_birthDate":{"extension":[{"url":"http://u","valueDecimal":-0.10}]}}"#,
    r#"{"resourceType":"Patient","name":[{"id":"n","given":["a",null],"_given":[null,{"id":"x"}]}]}"#,
    r#"{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o","name":"甲"}],"deceasedDateTime":"2020"}"#,
    r#"{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">a &amp; b<br/><p title='\"'>张 &#160;</p></div>"}}"#,
    r#"{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:x","resource":{"resourceType":"Parameters","parameter":[{"name":"a","part":[{"name":"b","valueInteger":1}]}]}}]}"#,
    r#"{"resourceType":"Patient","extension":[{"id":"e","extension":[{"url":"a","valueBoolean":false}],"url":"http://u"}]}"#,
];

#[test]
fn json_to_xml_and_back_is_the_same() {
    for text in RESOURCES {
        let xml = write(&from_json(text));
        let xml = String::from_utf8(xml).unwrap();
        let (back, found) = read(&xml);
        assert_eq!(found, [], "{xml}");
        // members of an extension may come in another order: attributes have none
        let sorted = |t: &str| serde_json::from_str::<serde_json::Value>(t).unwrap();
        assert_eq!(sorted(&as_json(&back)), sorted(text), "{xml}");
        assert_eq!(write(&back), xml.as_bytes());
    }
}

#[test]
fn the_tree_is_as_json_gives_it() {
    let (tree, found) = read(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- c --><f:Patient xmlns:f=\"http://hl7.org/fhir\">\n  <f:id value=\"a&#x42;\"/>\
         <f:active value=\"true\"/><f:name><f:family value=\"张\"/><f:given value=\"a\nb\"/><f:given value=\"c&#10;d\"/></f:name>\
         <f:multipleBirthInteger value=\"2\"/></f:Patient> <!-- end -->",
    );
    assert_eq!(found, []);
    assert_eq!(
        as_json(&tree),
        r#"{"resourceType":"Patient","id":"aB","active":true,"name":[{"family":"张","given":["a b","c\nd"]}],"multipleBirthInteger":2}"#
    );
    let name = tree.root().get("name").unwrap();
    assert!(name.is_list() && !name.get("family").unwrap().is_list());
    let id = tree.root().get("id").unwrap();
    assert_eq!(
        id.origin() as usize,
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- c --><f:Patient xmlns:f=\"http://hl7.org/fhir\">\n  ".len()
    );
}

#[test]
fn offsets_count_the_byte_order_mark() {
    let (tree, _) = read("\u{feff}<Patient xmlns=\"http://hl7.org/fhir\"/>");
    assert_eq!(tree.root().origin(), 3);
}

#[test]
fn values_that_are_not_what_they_should_be_stay_text() {
    let (tree, _) = read(
        r#"<Parameters xmlns="http://hl7.org/fhir"><parameter><valueBoolean value="TRUE"/></parameter><parameter><valueDecimal value="00.1"/></parameter><parameter><valueDecimal value="1e9999"/></parameter><parameter><valueString value=""/></parameter></Parameters>"#,
    );
    for parameter in tree.root().children().skip(1) {
        assert!(parameter.children().all(|v| v.kind() == Kind::String));
    }
    // so that it can still be written and read
    from_json(&as_json(&tree));
}

#[test]
fn what_is_not_well_formed_is_refused() {
    const F: &str = "xmlns=\"http://hl7.org/fhir\"";
    use XmlErrorKind::*;
    for (text, kind) in [
        (format!("<Patient {F}>"), Syntax),
        (format!("<Patient {F}><id></Patient>"), Syntax),
        (format!("<Patient {F}/><Patient {F}/>"), Syntax),
        (format!("x<Patient {F}/>"), Syntax),
        (format!("<Patient {F} {F}/>"), Syntax),
        (format!("<Patient {F}><x:id value='1'/></Patient>"), Syntax),
        (format!("<Patient {F}><id value='<'/></Patient>"), Syntax),
        (format!("<Patient {F}><1d value='a'/></Patient>"), Syntax),
        (String::new(), Syntax),
        (format!("<!DOCTYPE Patient [<!ENTITY a 'b'>]><Patient {F}/>"), Doctype),
        (format!("<Patient {F}><id value='&a;'/></Patient>"), Entity),
        (format!("<Patient {F}><id value='&#x1d;'/></Patient>"), Character),
        (format!("<Patient {F}><id value='\u{b}'/></Patient>"), Character),
        (format!("<Patient {F}><text><div xmlns=\"{XHTML}\">&nbsp;</div></text></Patient>"), Entity),
        (format!("<?xml version=\"1.0\" encoding=\"GB18030\"?><Patient {F}/>"), Encoding),
        ("<Patient/>".to_owned(), NotFhir),
        ("<x:Patient xmlns:x=\"urn:hl7-org:v3\"/>".to_owned(), NotFhir),
    ] {
        assert_eq!(fails(&text), kind, "{text}");
    }
    assert_eq!(parse(b"\xfe\xff\0<", &XmlLimits::default()).err().unwrap().kind, Encoding);
}

#[test]
fn what_fhir_forbids_is_reported() {
    use XmlIssueKind::*;
    let patient = |inner: &str| format!("<Patient xmlns=\"http://hl7.org/fhir\">{inner}</Patient>");
    for (inner, expected) in [
        ("<id value='1' something='x'/>", vec![(Attribute, "something")]),
        ("<identifier value='1'/>", vec![(Attribute, "value")]),
        ("<name url='1'/>", vec![(Attribute, "url")]),
        ("<id value='1'/>text<active value='true'/>more", vec![(Text, "")]),
        ("<id value='1'>text</id>", vec![(Text, "")]),
        ("<id value='1'><![CDATA[x]]></id>", vec![(CData, "")]),
        ("<?x y?><id value='1'/>", vec![(ProcessingInstruction, "")]),
        ("<id value='1'><value value='2'><x/></value></id>", vec![(Element, "value")]),
        ("<id xmlns='' value='1'/>", vec![(Namespace, "id")]),
        ("<active value='true'/><id value='1'/>", vec![(Order, "id")]),
        ("<name id='a'><id value='b'/></name>", vec![(Element, "id")]),
        ("<extension url='a'><url value='b'/></extension>", vec![(Element, "url")]),
        ("<contained><Basic/><Basic/></contained>", vec![(Element, "Basic")]),
        ("<text><div><p xmlns='http://www.w3.org/1999/xhtml'/></div></text>", vec![(NarrativeNamespace, "div")]),
        ("<text><div xmlns='http://www.w3.org/1999/xhtml'><n:p xmlns:n='urn:x'/></div></text>", vec![(NarrativeNamespace, "p")]),
        ("<name xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:schemaLocation='x'/>", vec![]),
    ] {
        let expected: Vec<(XmlIssueKind, String)> = expected.into_iter().map(|(kind, name)| (kind, name.to_owned())).collect();
        assert_eq!(issues(&patient(inner)), expected, "{inner}");
    }
    let version_1_1 = "<?xml version=\"1.1\"?>".to_owned() + &patient("<id value='&#x1d;'/>");
    assert_eq!(issues(&version_1_1), [(Control, "value".to_owned())]);
}

#[test]
fn repeats_out_of_order_are_one_list() {
    let (tree, found) = read(
        r#"<Patient xmlns="http://hl7.org/fhir"><name><text value="a"/></name><photo/><name><text value="b"/></name><gender value="male"/><name><text value="c"/></name></Patient>"#,
    );
    assert_eq!(found.len(), 3);
    let expected = r#"{"resourceType":"Patient","name":[{"text":"a"},{"text":"b"},{"text":"c"}],"photo":[{}],"gender":"male"}"#;
    assert_eq!(as_json(&tree), expected);
}

#[test]
fn a_narrative_stands_for_itself() {
    let (tree, found) = read(
        r#"<Patient xmlns="http://hl7.org/fhir" xmlns:h="http://www.w3.org/1999/xhtml"><text><h:div><h:p class="a">x<![CDATA[<&]]></h:p><!-- c --></h:div></text></Patient>"#,
    );
    assert_eq!(found, []);
    assert_eq!(
        tree.root().at("text.div"),
        Some(r#"<div xmlns="http://www.w3.org/1999/xhtml"><p class="a">x&lt;&amp;</p><!-- c --></div>"#)
    );
}

#[test]
fn a_narrative_cannot_break_out_of_its_place() {
    for div in [
        "<div>",
        "</text>",
        "<div/></text><text><div/>",
        "<div xmlns='http://www.w3.org/1999/xhtml'>&nbsp;</div>",
        "<div xmlns='http://www.w3.org/1999/xhtml'/></text><active value='true'/><text>",
    ] {
        let mut tree = Tree::resource("Patient");
        let text = tree.add(0, crate::Key::of("text"), Kind::Object, false);
        tree.add_value(text, crate::Key::of("div"), Kind::String, div, false);
        let xml = String::from_utf8(write(&tree)).unwrap();
        let (back, found) = read(&xml);
        assert_eq!(found, [], "{xml}");
        assert_eq!(back.root().children().count(), 2, "{xml}");
    }
}

#[test]
fn limits_end_in_an_error() {
    let limits = XmlLimits { bytes_max: 20_000, elements_max: 100, attributes_max: 4, ..XmlLimits::default() };
    let fails = |text: String| parse(text.as_bytes(), &limits).err().map(|e| e.kind);
    let root = "<Patient xmlns=\"http://hl7.org/fhir\">";
    assert_eq!(fails(format!("{root}{}", " ".repeat(20_000))), Some(XmlErrorKind::TooLarge));
    assert_eq!(fails(format!("{root}{}", "<extension>".repeat(90))), Some(XmlErrorKind::Depth));
    assert_eq!(fails(format!("{root}{}</Patient>", "<name/>".repeat(200))), Some(XmlErrorKind::TooManyElements));
    assert_eq!(fails(format!("{root}<name a='' b='' c='' d='' e=''/></Patient>")), Some(XmlErrorKind::TooManyAttributes));
    let div = format!("{root}<text><div xmlns='{XHTML}'>{}", "<b>".repeat(10_000));
    assert_eq!(parse(div.as_bytes(), &XmlLimits::default()).err().map(|e| e.kind), Some(XmlErrorKind::Depth));
    let text = format!("{root}{}</Patient>", "<name x=''/>".repeat(99));
    assert_eq!(parse(text.as_bytes(), &XmlLimits { issues_max: 7, ..limits }).ok().unwrap().1.len(), 7);
}

/// Each of these was, or would be, a search for every element.
#[test]
fn long_documents_are_read_in_linear_time() {
    let many: String = (0..50_000).map(|i| format!("<k{i} value='1'/><k0 value='2'/>")).collect();
    let mixed = "<name/><photo/>".repeat(50_000);
    for inner in [many, mixed] {
        let start = std::time::Instant::now();
        let text = format!("<Patient xmlns=\"http://hl7.org/fhir\">{inner}</Patient>");
        parse(text.as_bytes(), &XmlLimits::default()).ok().unwrap();
        assert!(start.elapsed() < std::time::Duration::from_secs(5), "{:?}", start.elapsed());
    }
}

const DAMAGE: &[u8] = b"<>/=\"' &;:!?-[]ax0\xff";

/// Whatever is read can be written and read again, and nothing stops the process.
#[test]
fn damaged_documents_end_in_an_answer() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed as usize % below.max(1)
    };
    let documents = RESOURCES.map(|text| write(&from_json(text)));
    for _ in 0..20_000 {
        let mut text = documents[random(documents.len())].clone();
        for _ in 0..1 + random(3) {
            let at = random(text.len());
            match random(4) {
                0 => text[at] = DAMAGE[random(DAMAGE.len())],
                1 if text.len() > 1 => drop(text.remove(at)),
                2 => text.truncate(at + 1),
                _ => {
                    let part = text[at..(at + random(60)).min(text.len())].to_vec();
                    let to = random(text.len());
                    text.splice(to..to, part);
                }
            }
        }
        if let Ok((tree, _)) = parse(&text, &XmlLimits::default()) {
            let again = write(&tree);
            assert!(parse(&again, &XmlLimits::default()).is_ok(), "{}", String::from_utf8_lossy(&again));
        }
    }
}
