//! Reading and writing, there and back.

use super::*;

fn round(text: &str) -> String {
    let (tree, issues) = parse(text.as_bytes(), &JsonLimits::default()).map_err(|e| format!("{e:?}")).unwrap();
    assert_eq!(issues, []);
    let mut out = Vec::new();
    write(tree.root(), &mut out);
    String::from_utf8(out).unwrap()
}

fn fails(text: &str) -> JsonErrorKind {
    parse(text.as_bytes(), &JsonLimits::default()).err().map(|e| e.kind).unwrap()
}

#[test]
fn documents_come_back_as_they_were() {
    for text in [
        r#"{"resourceType":"Patient","id":"a","name":[{"family":"张","given":["三","\"x\\\n"]}],"active":true}"#,
        r#"{"resourceType":"Observation","valueQuantity":{"value":1.50}}"#,
        r#"{"resourceType":"Patient","birthDate":"2020","_birthDate":{"extension":[{"url":"u","valueCode":"x"}]}}"#,
        r#"{"resourceType":"Patient","name":[{"given":["a",null],"_given":[null,{"id":"x"}]}]}"#,
        r#"{"resourceType":"Patient","_birthDate":{"id":"x"}}"#,
        r#"{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o"}],"pateint":{"x":[1,2]}}"#,
        r#"{"resourceType":"Patient","deceasedDateTime":"2020"}"#,
        "{}",
    ] {
        assert_eq!(round(text), text);
    }
}

#[test]
fn what_would_lose_data_is_refused() {
    assert_eq!(fails(r#"{"a":1,"a":2}"#), JsonErrorKind::DuplicateKey);
    assert_eq!(fails(r#"{"id":"a","\u0069d":"b"}"#), JsonErrorKind::DuplicateKey);
    assert_eq!(fails(r#"{"a":"\ud800"}"#), JsonErrorKind::LoneSurrogate);
    assert_eq!(fails(r#"{"a":1e400}"#), JsonErrorKind::NumberRange);
    assert_eq!(fails(r#"{"a":01}"#), JsonErrorKind::Syntax);
    assert_eq!(fails("[1]"), JsonErrorKind::NotAnObject);
    assert_eq!(fails(&(r#"{"a":"#.repeat(10_000))), JsonErrorKind::Depth);
    assert_eq!(fails(&format!(r#"{{"a":{}"#, "[".repeat(10_000))), JsonErrorKind::Depth);
}

#[test]
fn shapes_that_fhir_forbids_are_reported() {
    let (_, issues) = parse(br#"{"a":[],"b":[[1]],"c":null,"_d":5}"#, &JsonLimits::default()).ok().unwrap();
    let kinds: Vec<JsonIssueKind> = issues.iter().map(|i| i.kind).collect();
    use JsonIssueKind::*;
    assert_eq!(kinds, [EmptyArray, ArrayInArray, Null, BadPrimitiveSibling]);
}

#[test]
fn lines_and_columns_count_from_one_in_characters() {
    let text = "ab\n张三x".as_bytes();
    assert_eq!(line_column(text, 0), (1, 1));
    assert_eq!(line_column(text, 2), (1, 3));
    assert_eq!(line_column(text, 3), (2, 1));
    assert_eq!(line_column(text, 9), (2, 3));
    assert_eq!(line_column(text, 1000), (2, 4));
}

#[test]
fn digits_of_decimals_are_kept() {
    assert_eq!(round(r#"{"a":1.00000000000000000001}"#), r#"{"a":1.00000000000000000001}"#);
}

#[test]
fn siblings_meet_their_values_in_any_order() {
    for (text, expected) in [
        (r#"{"_given":[null,{"id":"x"}],"given":["a","b"]}"#, r#"{"given":["a","b"],"_given":[null,{"id":"x"}]}"#),
        (
            r#"{"given":["a"],"family":"f","_given":[null,{"id":"x"},{"id":"y"}]}"#,
            r#"{"given":["a",null,null],"_given":[null,{"id":"x"},{"id":"y"}],"family":"f"}"#,
        ),
        (
            r#"{"_birthDate":{"id":"x"},"gender":"male","birthDate":"2020"}"#,
            r#"{"birthDate":"2020","_birthDate":{"id":"x"},"gender":"male"}"#,
        ),
    ] {
        assert_eq!(round(text), expected);
    }
}

/// Each of these was, or would be, a search for every item.
#[test]
fn long_documents_are_read_and_written_in_linear_time() {
    let many = |item: &str| vec![item; 100_000].join(",");
    let names = |from: usize| (from..from + 4_000).map(|i| format!(r#""k{i}":1,"_k{i}":{{"id":"x"}}"#)).collect::<Vec<_>>().join(",");
    let objects = (0..40).map(|i| format!("{{{}}}", names(i * 4_000))).collect::<Vec<_>>().join(",");
    for text in [
        format!(r#"{{"a":[{}],"b":[{}],"_a":[{}]}}"#, many("1"), many("2"), many(r#"{"id":"x"}"#)),
        format!(r#"{{"a":[1],"b":[{}],"_a":[{}]}}"#, many("2"), many(r#"{"id":"x"}"#)),
        format!(r#"{{"a":[{}],{}}}"#, many("1"), names(0)),
        format!(r#"{{"a":[{objects}]}}"#),
    ] {
        let start = std::time::Instant::now();
        let (tree, _) = parse(text.as_bytes(), &JsonLimits::default()).map_err(|e| format!("{e:?}")).unwrap();
        let mut out = Vec::new();
        write(tree.root(), &mut out);
        assert!(start.elapsed() < std::time::Duration::from_secs(10), "{:?}", start.elapsed());
    }
}
