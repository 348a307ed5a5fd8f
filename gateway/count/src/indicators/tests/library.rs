//! The definitions that come with the gateway, and how faults of a file are told.

use crate::cases::Scope;
use crate::indicators::{Class, File, Library};
use proptest::prelude::*;
use std::collections::BTreeSet;

#[test]
fn all_rows_of_the_annexes_are_there() {
    let library = Library::builtin().unwrap_or_else(|f| panic!("{}", f.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")));
    let rows = |document: &str| {
        let of = library.definitions().iter().filter(|d| d.document == document);
        of.map(|d| d.row().to_owned()).collect::<BTreeSet<_>>().len()
    };
    let counts = ["cq-core", "fj-core", "xs-core", "mon", "fj-mon"].map(rows);
    assert_eq!((counts, counts.iter().sum::<usize>()), ([12, 12, 11, 14, 26], 75));
    let class = |c: Class| library.definitions().iter().filter(|d| d.class == c).map(|d| d.id.as_str()).collect::<Vec<_>>();
    assert_eq!(class(Class::A), ["cq-core-06", "fj-core-06", "mon-05-1", "fj-mon-05"]);
    // persons are never had from cases, nor cases from persons; and the scope is the one that is printed
    for (id, expression, scope, open) in [
        ("cq-core-06", "persons / 10000", Scope::All4, true),
        ("fj-core-06", "persons / 10000", Scope::All4, true),
        ("mon-05-1", "cases * 10000 / resident_population", Scope::Img5, false),
    ] {
        let d = library.definition(id).unwrap();
        assert_eq!((d.expression.as_ref().unwrap().text(), d.scope, d.is_scope_open), (expression, Some(scope), open), "{id}");
    }
    let xiushan = library.definitions().iter().filter(|d| d.document == "xs-core");
    assert!(xiushan.clone().all(|d| !d.title.contains("上级诊断")), "秀山 has no such core indicator");
}

#[test]
fn faults_of_a_file_are_told_with_their_place() {
    let inputs = File {
        name: "inputs.tsv",
        text: "id\tby\tkind\tover\tcarry\tunit\tzh\ten\twho\tnote\nvisits\tcounted\tnumber\tflow\t\t\t人次\tvisits\t\t\nbeds\treported\tnumber\tstock\t\t\t床\tbeds\t县\t\n",
    };
    let head = "[document]\nid='x'\nnumber='x'\nissuer='x'\ntitle='x'\nannex='x'\nissued='x'\narea='500236'\nversion='1'\n";
    let entry = "[[indicator]]\nid='x-1'\nnumber='1'\ntitle='x'\ntitle_en='x'\nunit='%'\nkind='percent'\nover='flow'\n";
    let row = |rest: &str| format!("{head}{entry}{rest}");
    for (text, expect) in [
        (row("class='A'\nexpression='visits'"), ""),
        (row("class='C'\nexpression='beds'\nwho='县'\ntargets={2025='≥90'}"), ""),
        (
            row("class='A'\nexpression='visists * 2'"),
            "x.toml:19:13: 没有名为 visists 的量 · nothing is called visists\n19 | expression='visists * 2'\n   |             ^^^^^^^\n   = 是否想写 visits？ · did you mean visits?",
        ),
        (row("class='A'\nexpression='beds'"), "x.toml:10:1: A 类指标须由网关计数得出"),
        (row("class='A'\nexpression=\"\"\"\nvisists\"\"\""), "x.toml:19:12: 没有名为 visists 的量"),
        (row("class='A'"), "x.toml:10:1: A 类指标须有表达式"),
        (row("class='B'\nexpression='beds'\nwho='县'"), "x.toml:10:1: B 类指标须有一部分由网关计数"),
        (row("class='C'\nexpression='visits'\nwho='县'"), "x.toml:10:1: C 类指标是填报的，不得含网关计数"),
        (row("class='C'\nexpression='beds'"), "x.toml:10:1: 须写明由谁填报"),
        (row("class='C'\nexpression='beds > 1'\nwho='县'"), "x.toml:19:13: 表达式的结果与指标的类型不符"),
        (row("class='C'\nwho='县'\ntargets={2025='九十'}"), "x.toml:20:15: 目标值须写作"),
        (row("class='C'\nwho='县'\nevidence=['beds']"), "x.toml:10:1: beds 不是网关的计数"),
        (row("class='D'"), "x.toml:18:7: 文件格式不对"),
        (row("class='C'\nwho='县'\nwidth='1'"), "x.toml:20:1: 文件格式不对"),
        (row("class='C'\nwho='县'").replace("x-1", "y-1"), "x.toml:10:1: 指标标识须以文件标识开头"),
        (row("class='C'\nwho='县'").replace("500236", "5002"), "x.toml:1:1: 文件的标识"),
        (format!("{}\n{entry}class='C'\nwho='县'", row("class='C'\nwho='县'")), "x.toml:20:1: 这个指标已经定义"),
    ] {
        let told = match Library::load(inputs, &[File { name: "x.toml", text: &text }]) {
            Ok(_) => String::new(),
            Err(faults) => faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        };
        assert!(told.starts_with(expect) && told.is_empty() == expect.is_empty(), "{text}\n{told}\nexpected {expect}");
    }
    for (line, expect) in [
        ("1x\tcounted\tnumber\tflow\t\t\tx\tx\t\t", "inputs.tsv:2:1: id 名称只能有"),
        ("x\tguessed\tnumber\tflow\t\t\tx\tx\t\t", "inputs.tsv:2:1: by by 须为"),
        ("x\tcounted\tnumber\tflow\t1\t\tx\tx\t\t", "inputs.tsv:2:1: carry carry 须为"),
        ("x\treported\tnumber\tflow\t\t\tx\tx\t\t", "inputs.tsv:2:1: who 须写明"),
        ("x\tcounted\tnumber\tflow\t\t\tx\tx\t\t\nx\tcounted\tnumber\tflow\t\t\tx\tx\t\t", "inputs.tsv:3:1: id 这个名称已有一行"),
    ] {
        let text = format!("id\tby\tkind\tover\tcarry\tunit\tzh\ten\twho\tnote\n{line}\n");
        let faults = Library::load(File { name: "inputs.tsv", text: &text }, &[]).unwrap_err();
        assert!(faults[0].to_string().starts_with(expect), "{}", faults[0]);
    }
}

#[test]
fn the_document_shows_every_definition_as_it_is() {
    let page = include_str!("../../../../docs/indicators.md");
    for d in Library::builtin().unwrap().definitions() {
        let targets: Vec<String> = d.targets.iter().map(|t| format!("{}：{}", t.year, t.printed)).collect();
        let class = match d.class {
            Class::A => "A 计数",
            Class::B => "B 部分",
            Class::C => "C 填报",
        };
        let or_dash = |t: &str| if t.is_empty() { "—".to_owned() } else { t.to_owned() };
        let how = d.expression.as_ref().map_or_else(|| "整项填报".to_owned(), |e| format!("`{}`", e.text()));
        let targets = or_dash(&targets.join("，"));
        let row = format!("| `{}` | {} | {} | {} | {class} | {targets} | {how} |", d.id, d.number, d.title, or_dash(&d.unit));
        assert!(page.contains(&row), "gateway/docs/indicators.md should have the row\n{row}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_file_stops_the_loader(at in 0..6_000_usize, cut in 0..40_usize, put in "\\PC{0,12}") {
        let inputs = include_str!("../../../../../profiles/policy/indicators/inputs.tsv");
        let document = include_str!("../../../../../profiles/policy/indicators/fengjie-core.toml");
        let damage = |text: &str| {
            let mut chars: Vec<char> = text.chars().collect();
            let from = at.min(chars.len());
            let to = (from + cut).min(chars.len());
            chars.splice(from..to, put.chars());
            chars.into_iter().collect::<String>()
        };
        for (inputs, document) in [(inputs.to_owned(), damage(document)), (damage(inputs), document.to_owned())] {
            let files = [File { name: "x.toml", text: &document }];
            if let Err(faults) = Library::load(File { name: "inputs.tsv", text: &inputs }, &files) {
                prop_assert!(!faults.is_empty() && faults.iter().all(|f| !f.text.is_empty()));
            }
        }
    }
}
