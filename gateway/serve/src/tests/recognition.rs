//! Mutual recognition over HTTP, with a fake desk: operations, CDS Hooks (judged by schemas written from the specification),
//! the page.

use std::sync::atomic::Ordering;

use hutong_enforce::recognition::desk::{Decision, Mode};
use hutong_enforce::recognition::record::{Choice, Trigger};
use hutong_enforce::recognition::{Setting, record::Record};
use sha2::{Digest, Sha256};

use super::*;
use crate::Recognition;
use crate::fake_desk::{FakeDesk, FakeLedger, GUID, SIG};

const JSON: (&str, &str) = ("content-type", "application/json");
const H1: (&str, &str) = ("authorization", "Bearer one");
const H2: (&str, &str) = ("authorization", "Bearer two");

struct World {
    api: Api,
    desk: Arc<FakeDesk>,
    ledger: Arc<FakeLedger>,
}

fn world() -> World {
    let mut source = fake();
    source.put("Patient", "p9", Some(""));
    source.put("Practitioner", "d", Some(r#","identifier":[{"value":"D7"}]"#));
    source.put("Encounter", "e", Some(r#","class":{"code":"EMER"}"#));
    source.put(
        "Patient",
        "p1",
        Some(r#","name":[{"text":"张<b>三"}],"gender":"male","birthDate":"1956-03-17","identifier":[{"value":"500241195603172135"}]"#),
    );
    source.put(
        "Observation",
        "glu",
        Some(r#","status":"final","code":{"text":"葡萄糖"},"valueQuantity":{"value":7.82,"unit":"mmol/L"},"interpretation":[{"coding":[{"code":"H"}]}]"#),
    );
    source.put("Observation", "k", Some(r#","status":"final","code":{"text":"钾"},"valueQuantity":{"value":4.1,"unit":"mmol/L"}"#));
    source.put(
        "DiagnosticReport",
        "r1",
        Some(
            r#","code":{"text":"生化"},"conclusion":"血糖升高","result":[{"reference":"Observation/glu"},{"reference":"Observation/k"}],"presentedForm":[{"url":"https://pacs.example.cn/1"},{"url":"javascript:x"}]"#,
        ),
    );
    let mut settings = settings();
    settings.access.tokens.push((Sha256::digest(b"one").into(), "h1".to_owned()));
    settings.access.tokens.push((Sha256::digest(b"two").into(), "h2".to_owned()));
    let mut api = Api::new(Arc::new(source), edition(), settings);
    let (desk, ledger) = (Arc::new(FakeDesk::default()), Arc::new(FakeLedger::default()));
    let origins = vec!["https://his.example.cn".to_owned()];
    api.recognise(Recognition { desk: desk.clone(), ledger: ledger.clone(), origins, frames: Vec::new() });
    World { api, desk, ledger }
}

fn order(id: &str, code: &str) -> String {
    format!(
        r#"{{"resourceType":"ServiceRequest","id":"{id}","status":"draft","intent":"order","subject":{{"reference":"Patient/p1"}},"code":{{"coding":[{{"system":"urn:l","code":"{code}"}}]}}}}"#
    )
}

fn parameters(list: &[String]) -> String {
    format!(r#"{{"resourceType":"Parameters","parameter":[{}]}}"#, list.join(","))
}

fn draft(id: &str, code: &str) -> String {
    format!(r#"{{"name":"order","resource":{}}}"#, order(id, code))
}

fn code(name: &str, value: &str) -> String {
    format!(r#"{{"name":"{name}","valueCode":"{value}"}}"#)
}

fn part<'v>(of: &'v Value, name: &str) -> Vec<&'v Value> {
    let list = of["parameter"].as_array().or_else(|| of["part"].as_array()).unwrap();
    list.iter().filter(|p| p["name"] == name).collect()
}

const CHECK: &str = "POST /fhir/ServiceRequest/$recognition-check";
const ANSWER: &str = "POST /fhir/Task/$recognition-answer";

#[tokio::test]
async fn a_check_tells_verdict_rule_evidence_and_why_each_candidate_fell() {
    let world = world();
    let body = parameters(&[
        draft("a", "GLU"),
        draft("b", "K"),
        draft("c", "NA"),
        draft("d", "??"),
        code("setting", "inpatient"),
        code("reason", "01"),
    ]);
    let response = send(&world.api, CHECK, &[JSON, H1], &body).await;
    assert_eq!(response.status(), 200);
    let told = json(response).await;
    let items = part(&told, "item");
    let verdicts: Vec<&Value> = items.iter().map(|i| &part(i, "verdict")[0]["valueCode"]).collect();
    assert_eq!(verdicts, ["recognise", "may-repeat", "no-prior-result", "not-listed"]);
    assert_eq!(part(items[1], "because")[0]["valueCode"], "no-mark");
    let reminder = part(items[0], "reminder")[0];
    assert_eq!(part(reminder, "id")[0]["valueId"], GUID);
    assert_eq!(part(part(reminder, "rule")[0], "line")[0]["valueInteger"], 12);
    assert_eq!(part(reminder, "link")[0]["valueUrl"], format!("http://gw:8080/recognition/{GUID}?until=4102444800&sig={SIG}"));
    let fell: Vec<Option<&Value>> = part(items[0], "candidate").iter().map(|c| part(c, "fell").first().map(|f| &f["valueCode"])).collect();
    assert_eq!(fell, [None, Some(&"expired".into())]);
    let issues = part(&told, "outcome")[0]["resource"]["issue"].as_array().unwrap();
    assert_eq!(issues.len(), 4);
    assert!(issues[1]["details"]["text"].as_str().unwrap().contains("没有互认标识"));

    {
        let asked = world.desk.asked.lock().unwrap();
        let ask = &asked[0];
        assert_eq!((ask.trigger, ask.setting, ask.source.as_str()), (Trigger::Order, Some(Setting::Inpatient), "h1"));
        assert_eq!((ask.context.institution.as_str(), ask.context.patient.as_str()), ("h1", "Patient/p1"));
        assert_eq!((ask.orders[0].order.as_str(), &ask.orders[0].exceptions[..]), ("ServiceRequest/a", &["01".to_owned()][..]));
        let kept = world.ledger.kept.lock().unwrap();
        assert_eq!((kept[0].what, kept[0].source.as_str(), kept[0].request == body.as_bytes()), ("recognition/ask", "h1", true));
        assert_eq!(serde_json::from_slice::<Value>(&kept[0].answer).unwrap(), told);
        assert!(matches!(kept[0].records[..], [Record::Asked(_)]));
    }
    // what is answered is R4
    let valid = send(&world.api, "POST /fhir/Parameters/$validate", &[JSON], &told.to_string()).await;
    let outcome = json(valid).await;
    assert!(outcome["issue"].as_array().unwrap().iter().all(|i| i["severity"] != "error" && i["severity"] != "fatal"), "{outcome}");
}

#[tokio::test]
async fn a_check_that_is_wrong_is_refused_and_nothing_is_asked() {
    let world = world();
    let many: Vec<String> = (0..51).map(|n| draft(&n.to_string(), "GLU")).collect();
    let other = draft("a", "GLU").replace("Patient/p1", "Patient/p9");
    let drug = r#"{"name":"order","resource":{"resourceType":"MedicationRequest"}}"#.to_owned();
    let h2 = r#"{"name":"institution","valueString":"h2"}"#.to_owned();
    let long = parameters(&[format!(r#"{{"name":"doctor","valueString":"{}"}}"#, "x".repeat(2 << 20))]);
    for (body, headers, status, rule) in [
        (String::new(), [JSON, H1], 400, "recognition.parameter"),
        (parameters(&[]), [JSON, H1], 400, "recognition.parameter"),
        (parameters(&[code("trigger", "visit")]), [JSON, H1], 400, "recognition.parameter"),
        (parameters(&[draft("a", "GLU"), code("trigger", "x")]), [JSON, H1], 400, "recognition.parameter"),
        (parameters(&[draft("a", "GLU"), code("setting", "x")]), [JSON, H1], 400, "recognition.parameter"),
        (parameters(&[draft("a", "GLU"), code("settin", "x")]), [JSON, H1], 400, "search.parameter"),
        (parameters(&[drug]), [JSON, H1], 400, "recognition.parameter"),
        (parameters(&many), [JSON, H1], 400, "recognition.orders_max"),
        (parameters(&[draft("a", "GLU"), other.clone()]), [JSON, H1], 400, "recognition.parameter"),
        (parameters(&[draft("a", "GLU"), h2]), [JSON, H1], 403, "recognition.institution"),
        (parameters(&[other]), [JSON, H1], 422, "recognition.patient"),
        (parameters(&[draft("a", "GLU")]), [JSON, H2], 422, "recognition.patient"),
        (long, [JSON, H1], 413, "http.body"),
    ] {
        let response = send(&world.api, CHECK, &headers, &body).await;
        let got = response.status().as_u16();
        let outcome = json(response).await;
        assert_eq!((got, &outcome["issue"][0]["diagnostics"]), (status, &rule.into()), "{body:.200}");
    }
    assert!(world.desk.asked.lock().unwrap().is_empty() && world.ledger.kept.lock().unwrap().is_empty());
}

/// The desk sleeps: the one who orders does not wait for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_late_or_faulty_is_degraded_in_time_and_on_record() {
    let world = world();
    for (slow, faulty, why) in [(3_000, false, "late"), (0, true, "unreadable")] {
        world.desk.slow_ms.store(slow, Ordering::Relaxed);
        world.desk.faulty.store(faulty, Ordering::Relaxed);
        let started = std::time::Instant::now();
        let told = json(send(&world.api, CHECK, &[JSON, H1], &parameters(&[draft("a", "GLU")])).await).await;
        assert!(started.elapsed().as_millis() < 1_500, "{:?}", started.elapsed());
        assert_eq!(part(&told, "degraded")[0]["valueBoolean"], true);
        assert_eq!(part(&told, "degradedReason")[0]["valueCode"], why);
        let called = json(send(&world.api, SIGN, &[JSON, H1], &call("order-sign", &[order("a", "GLU")], &[])).await).await;
        judged(&called, "response");
        assert_eq!(called["cards"][0]["indicator"], "info");
    }
    {
        let kept = world.ledger.kept.lock().unwrap();
        assert!(kept.iter().all(|k| matches!(&k.records[..], [Record::Asked(a)] if a.degraded && a.context.order == "ServiceRequest/a")));
        assert_eq!(kept.len(), 4);
    }
    world.desk.faulty.store(false, Ordering::Relaxed);
    world.ledger.full.store(true, Ordering::Relaxed);
    assert_eq!(send(&world.api, CHECK, &[JSON, H1], &parameters(&[draft("a", "GLU")])).await.status(), 503, "not durable, not answered");
}

fn by_reminder(decision: &str, more: &[String]) -> String {
    let mut list = vec![format!(r#"{{"name":"reminder","valueId":"{GUID}"}}"#), code("decision", decision)];
    list.extend_from_slice(more);
    parameters(&list)
}

#[tokio::test]
async fn an_answer_is_judged_and_kept_with_what_it_leaves_behind() {
    let world = world();
    let diagnosis = || r#"{"name":"diagnosis","valueString":"2型糖尿病"}"#.to_owned();
    let by_pair = |order: &str| {
        let reference = |name: &str, to: &str| format!(r#"{{"name":"{name}","valueReference":{{"reference":"{to}"}}}}"#);
        parameters(&[reference("order", order), reference("result", "Observation/glu"), code("decision", "recognise")])
    };
    let doctor = r#"{"name":"practitioner","valueReference":{"reference":"Practitioner/d"}}"#.to_owned();
    let unknown = by_reminder("view", &[]).replace(GUID, "none");
    for (body, token, status, rule) in [
        (by_reminder("view", &[]), H2, 404, "recognition.reminder"),
        (unknown, H1, 404, "recognition.reminder"),
        (by_reminder("maybe", &[]), H1, 400, "recognition.parameter"),
        (parameters(&[code("decision", "view")]), H1, 400, "recognition.parameter"),
        (by_reminder("view", &[]), H1, 200, ""),
        (by_reminder("revoke", &[]), H1, 404, "recognition.not-answered"),
        (by_reminder("refuse", &[]), H1, 422, "recognition.reason"),
        (by_reminder("refuse", &[code("reason", "99")]), H1, 422, "recognition.diagnosis"),
        (by_reminder("refuse", &[code("reason", "99"), diagnosis(), doctor]), H1, 200, ""),
        (by_reminder("recognise", &[]), H1, 409, "recognition.answered"),
        (by_reminder("revoke", &[]), H1, 200, ""),
        (by_pair("ServiceRequest/b"), H1, 404, "recognition.reminder"),
        (by_pair("ServiceRequest/a"), H2, 404, "recognition.reminder"),
    ] {
        let response = send(&world.api, ANSWER, &[JSON, token], &body).await;
        let got = response.status().as_u16();
        let answer = json(response).await;
        assert_eq!(got, status, "{body} {answer}");
        if status == 200 {
            assert_eq!((&answer["type"], answer["entry"].as_array().map(Vec::len)), (&"collection".into(), Some(2)));
            assert_eq!(answer["entry"][0]["fullUrl"], format!("http://gw:8080/fhir/Task/{GUID}"));
        } else {
            assert_eq!(answer["issue"][0]["diagnostics"], rule, "{body}");
        }
    }
    let kept = world.ledger.kept.lock().unwrap();
    let what: Vec<&str> = kept.iter().map(|k| k.what).collect();
    assert_eq!(what, ["recognition/view", "recognition/answer", "recognition/answer"]);
    assert_eq!((kept[1].resources.len(), kept[1].records.len(), kept[1].protocol), (2, 1, "fhir"));
    let replies = world.desk.replies.lock().unwrap();
    assert_eq!(replies[1].context.doctor, "D7");
    assert_eq!(replies[1].decision, Decision::Refuse { reason: "99".into(), diagnosis: "2型糖尿病".into() });
}

const SIGN: &str = "POST /cds-services/hutong-order-sign";
const SELECT: &str = "POST /cds-services/hutong-order-select";
const VIEW: &str = "POST /cds-services/hutong-patient-view";

/// A call as the specification has it.
fn call(hook: &str, orders: &[String], selections: &[&str]) -> String {
    let entries: Vec<String> = orders.iter().map(|o| format!(r#"{{"resource":{o}}}"#)).collect();
    let mut context = serde_json::json!({"userId": "Practitioner/d", "patientId": "p1", "encounterId": "e"});
    if hook != "patient-view" {
        context["draftOrders"] = serde_json::from_str(&format!(r#"{{"resourceType":"Bundle","entry":[{}]}}"#, entries.join(","))).unwrap();
    }
    if hook == "order-select" {
        context["selections"] = selections.into();
    }
    let call = serde_json::json!({
        "hook": hook, "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", "context": context,
        "fhirServer": "https://his.example.cn/fhir", "prefetch": {"patient": null}, "somethingElse": {"x": 1}
    });
    judged(&call, "request");
    call.to_string()
}

/// Judges by the published form.
fn judged(value: &Value, kind: &str) {
    let path = format!("{}/../../conformance/schemas/cds-hooks-{kind}.schema.json", env!("CARGO_MANIFEST_DIR"));
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<String> = validator.iter_errors(value).map(|e| format!("{} {e}", e.instance_path())).collect();
    assert!(faults.is_empty(), "{kind}: {faults:#?}\n{value:#}");
}

#[tokio::test]
async fn hooks_answer_in_the_published_form() {
    let world = world();
    let discovery = json(send(&world.api, "GET /cds-services", &[H1], "").await).await;
    judged(&discovery, "discovery");
    let hooks: Vec<&Value> = discovery["services"].as_array().unwrap().iter().map(|s| &s["hook"]).collect();
    assert_eq!(hooks, ["patient-view", "order-select", "order-sign"]);

    let drug = r#"{"resourceType":"MedicationRequest","id":"m","status":"draft"}"#.to_owned();
    for (line, body, mode, cards, indicator) in [
        (SIGN, call("order-sign", &[order("a", "GLU"), order("b", "K"), drug.clone()], &[]), Mode::Remind, 1, "warning"),
        (SIGN, call("order-sign", &[order("a", "GLU")], &[]), Mode::Hold, 1, "critical"),
        (SIGN, call("order-sign", &[order("a", "GLU")], &[]), Mode::Refuse, 1, "critical"),
        (SIGN, call("order-sign", &[order("b", "K")], &[]), Mode::Remind, 0, ""),
        (SIGN, call("order-sign", &[drug], &[]), Mode::Remind, 0, ""),
        (SELECT, call("order-select", &[order("a", "GLU"), order("b", "K")], &["ServiceRequest/b"]), Mode::Remind, 0, ""),
        (SELECT, call("order-select", &[order("a", "GLU"), order("b", "K")], &["ServiceRequest/a"]), Mode::Remind, 1, "warning"),
        (VIEW, call("patient-view", &[], &[]), Mode::Refuse, 1, "info"),
    ] {
        *world.desk.mode.lock().unwrap() = mode;
        let response = send(&world.api, line, &[JSON, H1], &body).await;
        assert_eq!(response.status(), 200, "{body}");
        assert_eq!(header(&response, "content-type"), "application/json; charset=utf-8");
        let answer = json(response).await;
        judged(&answer, "response");
        let got = answer["cards"].as_array().unwrap();
        assert_eq!(got.len(), cards, "{line} {answer}");
        let Some(card) = got.first() else { continue };
        assert_eq!((&card["indicator"], &card["uuid"]), (&indicator.into(), &GUID.into()));
        assert_eq!(card["links"][0]["url"], format!("http://gw:8080/recognition/{GUID}?until=4102444800&sig={SIG}"));
        assert!(card["detail"].as_str().unwrap().contains("秀山县人民医院\\|\\*x\\*"), "markup of others is text: {card}");
        assert_eq!(card.get("suggestions").is_some(), line != VIEW);
        if line != VIEW {
            assert_eq!(card["suggestions"][0]["actions"][0]["resourceId"], "ServiceRequest/a");
            assert_eq!(card["overrideReasons"][1]["code"], "99");
        }
    }
    let asked = world.desk.asked.lock().unwrap();
    let first = &asked[0];
    assert_eq!(
        (first.context.doctor.as_str(), first.setting, first.context.visit.as_str()),
        ("D7", Some(Setting::Emergency), "Encounter/e")
    );
    assert_eq!((first.orders.len(), first.context.channel.as_str()), (2, "cds-hooks"));
    assert_eq!(asked.last().map(|a| (a.trigger, a.orders.len())), Some((Trigger::Visit, 0)));
}

#[tokio::test]
async fn a_call_that_is_not_as_the_specification_says_is_told_what_is_wrong() {
    let world = world();
    let good = call("order-sign", &[order("a", "GLU")], &[]);
    let without = |pointer: &str, name: &str| {
        let mut value: Value = serde_json::from_str(&good).unwrap();
        value.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(name);
        value.to_string()
    };
    let many: Vec<String> = (0..51).map(|n| order(&n.to_string(), "GLU")).collect();
    let deep = format!("{{\"hook\":{}", "[".repeat(100_000));
    for (line, body, token, status, rule, expression) in [
        (SIGN, "[]".to_owned(), H1, 400, "hooks.request", "http.body"),
        (SIGN, deep, H1, 400, "hooks.request", "http.body"),
        (SIGN, without("", "hook"), H1, 400, "hooks.request", "http.hook"),
        (SIGN, without("", "hookInstance"), H1, 400, "hooks.request", "http.hookInstance"),
        (SIGN, without("", "context"), H1, 400, "hooks.request", "http.context.userId"),
        (SIGN, without("/context", "patientId"), H1, 400, "hooks.request", "http.context.patientId"),
        (SIGN, without("/context", "draftOrders"), H1, 400, "hooks.request", "http.context.draftOrders"),
        (SIGN, good.replace("order-sign", "order-select"), H1, 400, "hooks.request", "http.hook"),
        (SELECT, good.replace("order-sign", "order-select"), H1, 400, "hooks.request", "http.context.selections"),
        (SIGN, good.replace("Patient/p1", "Patient/p9"), H1, 400, "hooks.request", "http.context.draftOrders"),
        (SIGN, good.replace("Patient/p1", "Patient/p9").replace("\"p1\"", "\"p9\""), H1, 412, "recognition.patient", ""),
        (SIGN, good.replace("Patient/p1", "Patient/n").replace("\"p1\"", "\"n\""), H1, 412, "recognition.patient", ""),
        (SIGN, good.clone(), H2, 412, "recognition.patient", ""),
        (SIGN, call("order-sign", &many, &[]), H1, 400, "recognition.orders_max", ""),
        ("POST /cds-services/other", good.clone(), H1, 404, "hooks.service", ""),
        (SIGN, good.clone(), ("authorization", "Bearer x"), 401, "access.token", ""),
    ] {
        let response = send(&world.api, line, &[JSON, token], &body).await;
        let got = response.status().as_u16();
        let outcome = json(response).await;
        let issue = &outcome["issue"][0];
        let at = issue["expression"][0].as_str().unwrap_or_default();
        assert_eq!((got, &issue["diagnostics"], at), (status, &rule.into(), expression), "{body:.300}");
    }
    assert!(world.desk.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn feedback_answers_the_reminder() {
    let world = world();
    let called = json(send(&world.api, SIGN, &[JSON, H1], &call("order-sign", &[order("a", "GLU")], &[])).await).await;
    let suggestion = called["cards"][0]["suggestions"][0]["uuid"].as_str().unwrap().to_owned();
    let feedback = |card: &str, more: Value| {
        let mut entry = serde_json::json!({"card": card, "outcomeTimestamp": "2026-11-22T00:00:00Z"});
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let whole = serde_json::json!({"feedback": [entry]});
        judged(&whole, "feedback");
        whole.to_string()
    };
    let accepted = |id: &str| serde_json::json!({"outcome": "accepted", "acceptedSuggestions": [{"id": id}]});
    let overridden = |code: &str, comment: &str| serde_json::json!({"outcome": "overridden", "overrideReason": {"reason": {"system": "s", "code": code}, "userComment": comment}});
    let line = "POST /cds-services/hutong-order-sign/feedback";
    for (body, token, status, standing) in [
        (feedback(GUID, serde_json::json!({"outcome": "overridden"})), H1, 200, None),
        (feedback(GUID, accepted("another")), H1, 400, None),
        (feedback("none", accepted(&suggestion)), H1, 400, None),
        (feedback(GUID, accepted(&suggestion)), H2, 404, None),
        (feedback(GUID, overridden("99", " ")), H1, 422, None),
        (feedback(GUID, overridden("99", "糖尿病")), H1, 200, Some(Choice::Refused)),
        (feedback(GUID, overridden("99", "糖尿病")), H1, 200, Some(Choice::Refused)),
        (feedback(GUID, accepted(&suggestion)), H1, 409, Some(Choice::Refused)),
        (r#"{"feedback":[]}"#.to_owned(), H1, 400, Some(Choice::Refused)),
        (feedback(GUID, accepted(&suggestion)).replace("2026-11-22T00:00:00Z", "yesterday"), H1, 400, Some(Choice::Refused)),
    ] {
        let response = send(&world.api, line, &[JSON, token], &body).await;
        assert_eq!(response.status(), status, "{body}");
        assert_eq!(*world.desk.standing.lock().unwrap(), standing, "{body}");
    }
    *world.desk.standing.lock().unwrap() = None;
    assert_eq!(send(&world.api, line, &[JSON, H1], &feedback(GUID, accepted(&suggestion))).await.status(), 200);
    assert_eq!(*world.desk.standing.lock().unwrap(), Some(Choice::Recognised));
    let replies = world.desk.replies.lock().unwrap();
    assert_eq!(replies[0].decision, Decision::Refuse { reason: "99".into(), diagnosis: "糖尿病".into() });
    assert_eq!((replies.len(), replies[0].context.channel.as_str(), replies[0].context.doctor.as_str()), (2, "cds-hooks", "D7"));
}

#[tokio::test]
async fn browsers_of_configured_origins_may_call_and_others_not() {
    let world = world();
    for (origin, allowed) in [("https://his.example.cn", true), ("https://evil.example.cn", false)] {
        for (line, headers) in [
            ("OPTIONS /cds-services/hutong-order-sign", vec![("origin", origin), ("access-control-request-method", "POST")]),
            ("GET /cds-services", vec![("origin", origin), H1]),
            ("GET /cds-services", vec![("origin", origin), ("authorization", "Bearer x")]),
        ] {
            let response = send(&world.api, line, &headers, "").await;
            let said = header(&response, "access-control-allow-origin");
            assert_eq!(said, if allowed { origin } else { "" }, "{line}");
            assert_eq!(header(&response, "vary"), "origin");
        }
    }
    let fhir = send(&world.api, "GET /fhir/metadata", &[("origin", "https://his.example.cn")], "").await;
    assert_eq!(header(&fhir, "access-control-allow-origin"), "", "nothing else is opened to browsers");
}

#[tokio::test]
async fn the_page_shows_the_result_once_the_view_is_on_record() {
    let world = world();
    let link = format!("/recognition/{GUID}?until=4102444800&sig={SIG}");
    let response = send(&world.api, &format!("GET {link}"), &[("accept", "text/html")], "").await;
    assert_eq!(response.status(), 200);
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("content-security-policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"),
    ] {
        assert_eq!(header(&response, name), value);
    }
    let page = text(response).await;
    for shown in
        ["张&lt;b&gt;三", "男 Male", "7.82 mmol/L", "↑", "生化", "血糖升高", "https://pacs.example.cn/1", "全国HR", "hubei", "连续监测"]
    {
        assert!(page.contains(shown), "{shown}\n{page}");
    }
    for hidden in ["500241195603172135", "<b>三", "javascript:", "<script", "style=", "p1"] {
        assert!(!page.contains(hidden), "{hidden}");
    }
    assert!(matches!(world.ledger.kept.lock().unwrap()[..], [Kept { what: "recognition/view", protocol: "page", .. }]));
    send(&world.api, &format!("HEAD {link}"), &[], "").await;
    assert_eq!(world.ledger.kept.lock().unwrap().len(), 1, "nobody looks at a HEAD");

    let style = send(&world.api, "GET /recognition/page.css", &[], "").await;
    assert_eq!((style.status().as_u16(), header(&style, "content-type")), (200, "text/css; charset=utf-8"));
    world.ledger.full.store(true, Ordering::Relaxed);
    let unkept = send(&world.api, &format!("GET {link}"), &[], "").await;
    assert_eq!(unkept.status(), 503);
    assert!(!text(unkept).await.contains("7.82"), "what is not on record is not shown");
}

use crate::Kept;

#[tokio::test]
async fn the_page_answers_and_a_wrong_link_shows_nothing() {
    let world = world();
    let form = ("content-type", "application/x-www-form-urlencoded");
    let link = format!("/recognition/{GUID}?until=4102444800&sig={SIG}");
    for (body, status, standing, shown) in [
        ("decision=refuse&reason=", 422, None, "不可以"),
        ("decision=recognise", 303, Some(Choice::Recognised), ""),
        ("decision=recognise", 422, Some(Choice::Recognised), "已互认"),
        ("decision=revoke", 303, None, ""),
        ("decision=refuse&reason=99&diagnosis=%E7%B3%96%E5%B0%BF%E7%97%85", 303, Some(Choice::Refused), ""),
        ("decision=x", 404, Some(Choice::Refused), ""),
    ] {
        let response = send(&world.api, &format!("POST {link}"), &[form], body).await;
        assert_eq!(response.status(), status, "{body}");
        if status == 303 {
            assert!(header(&response, "location").starts_with(&format!("{GUID}?until=4102444800&sig={SIG}&done=")));
        }
        assert!(text(response).await.contains(shown));
        assert_eq!(*world.desk.standing.lock().unwrap(), standing, "{body}");
    }
    let answered = text(send(&world.api, &format!("GET {link}"), &[], "").await).await;
    assert!(answered.contains("撤销答复") && !answered.contains("value=\"recognise\""), "{answered}");
    assert_eq!(world.desk.replies.lock().unwrap().last().unwrap().context.doctor, "D7");
    for (line, status, shown) in [
        (format!("GET /recognition/{GUID}"), 404, "没有可显示的结果"),
        (format!("GET /recognition/{GUID}?until=4102444800&sig=abd"), 404, "没有可显示的结果"),
        (format!("GET /recognition/{GUID}?until=1000&sig={SIG}"), 410, "链接已过期"),
        (format!("GET /recognition/none?until=4102444800&sig={SIG}"), 404, "没有可显示的结果"),
        (format!("POST /recognition/{GUID}?until=1000&sig={SIG}"), 410, "链接已过期"),
    ] {
        let response = send(&world.api, &line, &[form], "").await;
        assert_eq!(response.status(), status, "{line}");
        let page = text(response).await;
        assert!(page.contains(shown) && !page.contains("张"), "{page}");
    }
}

/// What is defined is what is read, and the definitions are R4.
#[tokio::test]
async fn the_operations_are_defined_as_they_are_served() {
    let api = api();
    for (id, ours) in [
        ("ServiceRequest-recognition-check", crate::recognition::check::PARAMETERS),
        ("Task-recognition-answer", crate::recognition::reply::PARAMETERS),
    ] {
        let definition = json(send(&api, &format!("GET /fhir/OperationDefinition/{id}"), &[], "").await).await;
        let parameters = definition["parameter"].as_array().unwrap();
        let mut defined: Vec<&str> = parameters.iter().filter(|p| p["use"] == "in").map(|p| p["name"].as_str().unwrap()).collect();
        let mut read = ours.to_vec();
        defined.sort_unstable();
        read.sort_unstable();
        assert_eq!(defined, read);
        let outcome = json(send(&api, "POST /fhir/OperationDefinition/$validate", &[JSON], &definition.to_string()).await).await;
        assert!(outcome["issue"].as_array().unwrap().iter().all(|i| i["severity"] != "error" && i["severity"] != "fatal"), "{outcome}");
    }
}
