//! What expressions give, and what is said of those that are wrong.

use super::*;
use proptest::prelude::*;

fn names() -> Names {
    let mut names = Names::new();
    for (name, of) in [
        ("cases", Type::Number),
        ("population", Type::Number),
        ("zero", Type::Number),
        ("huge", Type::Number),
        ("absent", Type::Number),
        ("last_year.fee", Type::Number),
        ("常住人口", Type::Number),
        ("dose_form", Type::Text),
        ("allowed", Type::Texts),
        ("pregnant", Type::Boolean),
        ("allergy_known", Type::Boolean),
        ("daily", Type::Numbers),
    ] {
        names.insert(name.to_owned(), of);
    }
    names
}

fn facts() -> BTreeMap<String, Value> {
    let number = |n: &str| Value::Number(n.parse().unwrap());
    BTreeMap::from([
        ("cases".into(), number("1210")),
        ("population".into(), number("745000")),
        ("zero".into(), number("0")),
        ("huge".into(), Value::Number(Decimal::MAX)),
        ("last_year.fee".into(), number("5000.50")),
        ("常住人口".into(), number("80")),
        ("dose_form".into(), Value::Text("片剂".into())),
        ("allowed".into(), Value::Texts(Arc::from(["片剂".into(), "胶囊".into()]))),
        ("pregnant".into(), Value::Boolean(true)),
        ("daily".into(), Value::Numbers(Arc::from([Decimal::new(25, 1), Decimal::ONE]))),
    ])
}

fn shown(value: &Value) -> String {
    match value {
        Value::Number(n) => n.to_string(),
        Value::Text(t) => format!("{t:?}"),
        Value::Boolean(b) => b.to_string(),
        Value::Numbers(n) => format!("{n:?}"),
        Value::Texts(t) => format!("{t:?}"),
        Value::Missing(all) => all.iter().map(|a| format!("?{} {:?}", a.what, a.why)).collect::<Vec<_>>().join("; "),
    }
}

#[test]
fn expressions_give() {
    for (text, expect) in [
        ("1 + 2 * 3 - 4 / 8", "6.5"),
        ("0.1 + 0.2 = 0.3", "true"),
        ("(1 + 2) × 3", "9"),
        ("- 2 * 3", "-6"),
        ("2 - -3", "5"),
        ("cases * 10000 / population", "16.241610738255033557046979866"),
        ("round(cases * 10000 ÷ population, 2)", "16.24"),
        ("round(2.5)", "3"),
        ("round(-2.345, 2)", "-2.35"),
        ("last_year.fee * 2", "10001"),
        ("常住人口 ≥ 80", "true"),
        ("cases < 1210 or cases >= 1210", "true"),
        ("not pregnant and zero = 1", "false"),
        ("not (pregnant and zero = 1)", "true"),
        ("if pregnant then 1 else 2", "1"),
        ("if cases > 2000 then \"多\" else \"少\"", "\"少\""),
        ("min(3, cases, 2)", "2"),
        ("max(3, cases, 2)", "1210"),
        ("sum(daily)", "3.5"),
        ("sum(daily) / count(daily)", "1.75"),
        ("count(allowed)", "2"),
        ("dose_form in allowed", "true"),
        ("dose_form in {\"注射剂\", \"乳膏\"}", "false"),
        ("dose_form != \"片剂\"", "false"),
        ("given(absent) or given(cases)", "true"),
        ("otherwise(absent, 7)", "7"),
        ("otherwise(cases, absent)", "1210"),
        // what is missing keeps its name, and all of them are told
        ("cases + absent", "?absent NotGiven"),
        ("absent / zero", "?absent NotGiven"),
        ("cases / zero", "?zero DivisionByZero"),
        ("cases / (cases - 1210)", "?(cases - 1210) DivisionByZero"),
        ("min(absent, cases / zero)", "?absent NotGiven; ?zero DivisionByZero"),
        ("absent = absent", "?absent NotGiven"),
        ("huge * huge", "? TooLarge"),
        ("huge + 1 > 0", "? TooLarge"),
        // what decides alone decides
        ("pregnant or allergy_known", "true"),
        ("pregnant and allergy_known", "?allergy_known NotGiven"),
        ("allergy_known and not pregnant", "false"),
        ("if allergy_known then 1 else absent", "?allergy_known NotGiven"),
        ("if pregnant then 1 else absent", "1"),
    ] {
        let expression = Expression::compile(text, &names()).unwrap_or_else(|f| panic!("{}", f.show("t", text, 0)));
        let value = expression.evaluate(&facts());
        assert_eq!(shown(&value), expect, "{text}");
        assert!(value.kind().is_none_or(|k| k == expression.result()), "{text}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, place, zh, instead) in [
        ("casse + 1", (0, 5), "没有名为 casse 的量", Some("cases")),
        ("cases + populaton", (8, 17), "没有名为 populaton 的量", Some("population")),
        ("rond(cases)", (0, 11), "没有名为 rond 的函数", Some("round")),
        ("cases +", (7, 7), "表达式没有写完", None),
        ("", (0, 0), "表达式没有写完", None),
        ("(cases", (6, 6), "此处应为 )", None),
        ("cases cases", (6, 11), "表达式到此应已结束", None),
        ("cases and pregnant", (0, 5), "此处应为真假值，写的是数", None),
        ("pregnant + 1", (0, 8), "此处应为数，写的是真假值", None),
        ("cases = dose_form", (8, 17), "此处应为数，写的是文本", None),
        ("daily = daily", (0, 5), "数列和集合不能比较", None),
        ("if cases then 1 else 2", (3, 8), "此处应为真假值，写的是数", None),
        ("if pregnant then 1 else dose_form", (24, 33), "此处应为数，写的是文本", None),
        ("1 < cases < 3", (10, 11), "比较不能连写：用 and 连接", None),
        ("cases / 0", (8, 9), "除数是零", None),
        ("cases * 100%", (11, 12), "百分号不是运算符：写 * 100", None),
        ("cases ; 1", (6, 7), "不认识的字符", None),
        ("\"片剂", (0, 1), "文本没有结束的引号", None),
        ("1.", (0, 2), "小数点后没有数字", None),
        ("12cases", (0, 3), "数字写法不对", None),
        ("99999999999999999999999999999999", (0, 32), "数字超过 28 位", None),
        ("round(cases, 99)", (13, 15), "小数位数须为 0 到 12", None),
        ("min(cases)", (0, 10), "min 的参数个数不对", None),
        ("sum(cases)", (4, 9), "此处应为数列，写的是数", None),
        ("dose_form in {片剂}", (14, 20), "集合里只能写带引号的文本", None),
        ("then", (0, 4), "此处应为一个值", None),
    ] {
        let fault = Expression::compile(text, &names()).expect_err(text);
        let place = if instead == Some("round") { (0, 4) } else { place };
        assert_eq!(((fault.start, fault.end), &*fault.zh, fault.instead.as_deref()), (place, zh, instead), "{text}");
    }
}

#[test]
fn a_fault_is_shown_with_file_line_caret_and_suggestion() {
    let file = "[[indicator]]\nexpression = '常住人口 * casse'\n";
    let base = file.find("常").unwrap();
    let fault = Expression::compile("常住人口 * casse", &names()).unwrap_err();
    let expect = "a.toml:2:22: 没有名为 casse 的量 · nothing is called casse\n2 | expression = '常住人口 * casse'\n  |                          ^^^^^\n  = 是否想写 cases？ · did you mean cases?\n";
    assert_eq!(fault.show("a.toml", file, base), expect);
}

#[test]
fn limits_hold() {
    let deep = |n: usize| format!("{}1{}", "(".repeat(n), ")".repeat(n));
    assert!(Expression::compile(&deep(DEPTH_MAX - 1), &names()).is_ok());
    let fault = Expression::compile(&deep(DEPTH_MAX), &names()).unwrap_err();
    assert!(fault.zh.contains("嵌套"), "{fault:?}");
    assert!(Expression::compile(&deep(4_000), &names()).is_err());
    assert!(Expression::compile(&"-".repeat(5_000), &names()).is_err());
    let wide = |n: usize| vec!["1"; n].join("+");
    assert!(Expression::compile(&wide(STEPS_MAX / 2), &names()).is_ok());
    assert!(Expression::compile(&wide(STEPS_MAX / 2 + 1), &names()).unwrap_err().zh.contains("步"));
    assert!(Expression::compile(&" ".repeat(TEXT_MAX + 1), &names()).unwrap_err().zh.contains("字节"));
}

#[test]
fn an_expression_is_read_with_titles() {
    let expression = Expression::compile("round(cases*10000/population,2)", &names()).unwrap();
    assert_eq!(expression.names().collect::<Vec<_>>(), ["cases", "population"]);
    let title = |name: &str| (name == "cases").then(|| "诊断人次数".to_owned());
    assert_eq!(expression.read_as(title), "round(诊断人次数 × 10000 ÷ population, 2)");
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "cases",
        "absent",
        "zero",
        "huge",
        "pregnant",
        "dose_form",
        "allowed",
        "daily",
        "1",
        "0",
        "0.5",
        "\"片剂\"",
        "+",
        "-",
        "*",
        "/",
        "(",
        ")",
        "{",
        "}",
        ",",
        "=",
        "<",
        "≥",
        "and",
        "or",
        "not",
        "in",
        "if",
        "then",
        "else",
        "round(",
        "min(",
        "sum(",
        "given(",
        "otherwise(",
        "true",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|p| p.join(" "))
}

/// A random well-typed number.
fn sound() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec!["cases", "absent", "zero", "huge", "0.5", "sum(daily)", "last_year.fee"]);
    leaf.prop_map(str::to_owned).prop_recursive(6, 40, 3, |inner| {
        (inner.clone(), inner.clone(), inner, 0..9_u8).prop_map(|(a, b, c, how)| match how {
            0 => format!("({a} + {b})"),
            1 => format!("({a} - {b})"),
            2 => format!("({a} * {b})"),
            3 => format!("({a}) / ({b})"),
            4 => format!("round({a}, 2)"),
            5 => format!("min({a}, {b}, {c})"),
            6 => format!("otherwise({a}, {b})"),
            7 => format!("(if {a} > {b} and not given({c}) then {a} else {c})"),
            _ => format!("max(-{a}, {b})"),
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_stops_the_compiler(text in "\\PC{0,60}") {
        if let Err(fault) = Expression::compile(&text, &names()) {
            prop_assert!(fault.start <= fault.end && !fault.zh.is_empty());
            fault.show("t", &text, 0);
        }
    }

    #[test]
    fn what_compiles_gives_its_type_or_says_what_is_missing(text in pieces()) {
        if let Ok(expression) = Expression::compile(&text, &names()) {
            let value = expression.evaluate(&facts());
            prop_assert!(value.kind().is_none_or(|k| k == expression.result()), "{text}: {value:?}");
            prop_assert!(!matches!(&value, Value::Missing(m) if m.iter().any(|a| a.why == Why::WrongType)), "{text}: {value:?}");
        }
    }

    #[test]
    fn sound_expressions_are_total(text in sound()) {
        if text.len() > 400 { return Ok(()); }
        let expression = match Expression::compile(&text, &names()) {
            Ok(e) => e,
            Err(f) => { prop_assert!(f.zh.contains("嵌套"), "{text}: {f:?}"); return Ok(()); }
        };
        match expression.evaluate(&facts()) {
            Value::Number(_) => {}
            Value::Missing(all) => prop_assert!(!all.is_empty() && all.iter().all(|a| a.why != Why::WrongType)),
            other => prop_assert!(false, "{text}: {other:?}"),
        }
    }
}
