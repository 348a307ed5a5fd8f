//! Judges identification on a population whose truth is known.
//!
//!     cargo run --release -p hutong-identify --example population -- [PERSONS] [SEED]
//!
//! A county is made up: households with one address and shared telephones, surnames as common as in China, brothers and
//! sisters with one generation character, twins, namesakes. Each person is recorded at one to five institutions, with the
//! errors of real registration desks (see `errors`): numbers left out, mistyped, of 15 digits or the mother's; homophones,
//! lost rare characters, pinyin only; lunar birth dates, swapped days; moved houses, new telephones; newborns without
//! name, unknown emergencies. Records arrive in random order and each is decided on as it comes, as in the gateway.
//!
//! Printed: precision and recall over pairs of records, what went to review, time of a decision, memory.

#![allow(clippy::print_stdout)] // what it is for

use std::collections::HashMap;
use std::time::Instant;

use hutong_identify::{By, Date, Decision, Event, Person, Register, Sex, Weights};

const SURNAMES: &str = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩邓冯曹彭曾肖田董袁潘蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金贾夏韦付方邹熊白孟秦邱侯江尹薛闫雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常";
const MALE: &str = "伟强磊军洋勇杰涛明超刚平辉鹏华飞鑫波斌宇浩凯健俊帆帅旭宁龙林欢佳阳建国文志海峰山东成福贵生荣祥德忠义仁清江河学才富春光新兴民安康和顺发金根水木土火石柱栋梁材宝贝";
const FEMALE: &str = "芳娜敏静秀娟英华慧巧美琳素云莲真环雪荣爱妹霞香月莺媛艳瑞凡佳嘉琼勤珍贞莉桂娣叶璧璐娅琦晶妍茜秋珊莎锦黛青倩婷姣婉娴瑾颖露瑶怡婵雁蓓纨仪荷丹蓉眉君琴蕊薇菁梦岚苑婕馨瑗琰韵融园艺咏卿聪澜纯毓悦昭冰爽";
const VILLAGES: &str = "青龙双河茅草石板大树白云永乐新民红星太平柏林金凤长坡龙泉竹园安坪康乐吐祥兴隆公平朱衣";

struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    /// With this chance in ten thousand.
    fn chance(&mut self, per_10_000: u64) -> bool {
        self.below(10_000) < per_10_000
    }

    /// Small numbers more often: as surnames and given names are spread.
    fn common(&mut self, n: u64) -> u64 {
        let x = self.below(1 << 20) as f64 / f64::from(1 << 20);
        ((n as f64 + 1.0).powf(x) - 1.0) as u64
    }
}

fn nth(pool: &str, n: u64) -> char {
    let count = pool.chars().count() as u64;
    pool.chars().nth((n % count) as usize).unwrap_or('王')
}

/// One human being.
struct Human {
    name: String,
    male: bool,
    birth: Date,
    card: String,
    insurance: String,
    phones: Vec<String>,
    address: String,
    multiple: bool,
}

struct Household {
    surname: char,
    generation: char,
    address: String,
    phones: Vec<String>,
    village: u64,
}

fn household(rng: &mut Rng) -> Household {
    let village = rng.below(350);
    let name: String = (0..2).map(|i| nth(VILLAGES, village.wrapping_mul(7).wrapping_add(i * 13))).collect();
    let count = SURNAMES.chars().count() as u64;
    Household {
        surname: nth(SURNAMES, rng.common(count)),
        generation: nth(MALE, rng.below(80)),
        address: format!("重庆市奉节县{}镇{name}村{}组{}号", nth(VILLAGES, village / 12), 1 + rng.below(9), 1 + rng.below(120)),
        phones: (0..2).map(|_| phone(rng)).collect(),
        village,
    }
}

fn phone(rng: &mut Rng) -> String {
    format!("1{}{:08}", [38, 39, 50, 58, 77, 86, 89][rng.below(7) as usize], rng.below(100_000_000))
}

fn given(rng: &mut Rng, male: bool, generation: Option<char>) -> String {
    let pool = if male { MALE } else { FEMALE };
    let count = pool.chars().count() as u64;
    let one = nth(pool, rng.common(count).wrapping_mul(11));
    match generation {
        Some(g) => format!("{g}{one}"),
        None if rng.chance(2_500) => one.to_string(),
        None => format!("{}{one}", nth(pool, rng.common(count).wrapping_mul(17))),
    }
}

fn card(rng: &mut Rng, village: u64, birth: Date, male: bool) -> String {
    // 99…: nowhere, a number that nobody can hold
    let sequence = rng.below(500) * 2 + u64::from(male);
    let body = format!("99{:04}{:04}{:02}{:02}{:03}", 200 + village % 37, birth.year, birth.month, birth.day, sequence);
    let check = hutong_fhir::identifier::identity_card_check_digit(&body).unwrap_or('X');
    format!("{body}{check}")
}

fn population(rng: &mut Rng, persons: usize) -> Vec<Human> {
    let mut all = Vec::with_capacity(persons);
    while all.len() < persons {
        let home = household(rng);
        let mut twin: Option<Human> = None;
        for role in 0..(1 + rng.below(5)) {
            let male = rng.chance(5_000);
            let year = match role {
                0 | 1 => 1935 + rng.below(60),
                _ => 1960 + rng.below(66),
            };
            let birth = Date { year: year as u16, month: 1 + rng.below(12) as u8, day: 1 + rng.below(28) as u8 };
            let surname = if role == 1 {
                let n = rng.common(SURNAMES.chars().count() as u64);
                nth(SURNAMES, n)
            } else {
                home.surname
            };
            let generation = (role >= 2 && male && rng.chance(5_000)).then_some(home.generation);
            let human = Human {
                name: format!("{surname}{}", given(rng, male, generation)),
                male,
                birth,
                card: card(rng, home.village, birth, male),
                insurance: format!("9{:09}", rng.below(1_000_000_000)),
                phones: if year < 2012 && rng.chance(6_500) { vec![phone(rng)] } else { home.phones.clone() },
                address: home.address.clone(),
                multiple: false,
            };
            if role >= 2 && rng.chance(200) {
                let male = if rng.chance(7_000) { human.male } else { !human.male };
                twin = Some(Human {
                    name: format!("{surname}{}", given(rng, male, generation)),
                    male,
                    card: card(rng, home.village, birth, male),
                    insurance: format!("9{:09}", rng.below(1_000_000_000)),
                    phones: human.phones.clone(),
                    address: home.address.clone(),
                    birth,
                    multiple: rng.chance(3_000),
                });
            }
            all.push(human);
            // twins of one name are not told apart by anybody
            all.extend(twin.take().filter(|t| all.last().is_some_and(|h| h.name != t.name)));
        }
    }
    all
}

/// What a registration desk makes of somebody.
fn record(rng: &mut Rng, h: &Human, mother: &Human, institution: u64) -> Person {
    let mut p = Person::default();
    let infant = h.birth.year >= 2025;
    name(rng, h, mother, &mut p, infant);
    p.set_sex(match () {
        () if rng.chance(30) => {
            if h.male {
                Sex::Female
            } else {
                Sex::Male
            }
        }
        () if rng.chance(100) => Sex::Unknown,
        () => {
            if h.male {
                Sex::Male
            } else {
                Sex::Female
            }
        }
    });
    p.set_birth(birth(rng, h.birth));
    if h.multiple {
        p.set_multiple();
    }
    numbers(rng, h, mother, institution, infant, &mut p);
    if rng.chance(8_000) {
        let number = if rng.chance(2_500) { phone(rng) } else { h.phones[rng.below(h.phones.len() as u64) as usize].clone() };
        p.add_phone(&number);
    }
    if rng.chance(7_500) {
        p.set_address(&address(rng, &h.address));
    }
    p.settle();
    p
}

fn name(rng: &mut Rng, h: &Human, mother: &Human, p: &mut Person, infant: bool) {
    let chars: Vec<char> = h.name.chars().collect();
    match () {
        () if infant && rng.chance(3_000) => p.add_name(&format!("{}之{}", mother.name, if h.male { "子" } else { "女" })),
        () if rng.chance(5) => p.add_name("无名氏"),
        () if rng.chance(250) => p.add_name(&pinyin_of(&h.name)),
        () if rng.chance(60) => p.add_name(&format!("{}□{}", chars[0], chars.iter().skip(2).collect::<String>())),
        () if rng.chance(100) => p.add_name(&h.name.replace('伟', "玮").replace('华', "桦").replace('英', "瑛").replace('建', "健")),
        () if rng.chance(60) => p.add_name(&format!("{}{}", chars[0], nth(MALE, rng.below(80)))),
        () => {
            p.add_name(&h.name);
            if rng.chance(2_000) {
                p.add_name(&pinyin_of(&h.name));
            }
        }
    }
}

fn pinyin_of(name: &str) -> String {
    use pinyin::ToPinyin;
    name.to_pinyin().flatten().map(|p| p.plain()).collect::<Vec<_>>().join(" ").to_uppercase()
}

fn birth(rng: &mut Rng, d: Date) -> Date {
    match () {
        () if rng.chance(150) => Date {
            month: if d.month > 1 { d.month - 1 } else { 12 },
            year: if d.month > 1 { d.year } else { d.year - 1 },
            day: 1 + rng.below(28) as u8,
        },
        () if rng.chance(40) && d.day <= 12 => Date { month: d.day, day: d.month, ..d },
        () if rng.chance(100) => Date { day: (d.day % 28) + 1, ..d },
        () if rng.chance(200) => Date { month: 1, day: 1, ..d },
        () if rng.chance(100) => Date { month: 0, day: 0, ..d },
        () => d,
    }
}

fn numbers(rng: &mut Rng, h: &Human, mother: &Human, institution: u64, infant: bool, p: &mut Person) {
    let card_system =
        if institution.is_multiple_of(5) { "urn:oid:2.16.840.1.113883.2.23.1.19.1" } else { hutong_fhir::identifier::IDENTITY_CARD };
    match () {
        () if infant && rng.chance(4_000) => p.add_number(card_system, &mother.card),
        () if infant || rng.chance(1_200) => {}
        () if rng.chance(100) => {
            let mut digits: Vec<char> = h.card.chars().collect();
            let at = rng.below(17) as usize;
            digits[at] = char::from(b'0' + rng.below(10) as u8);
            p.add_number(card_system, &digits.iter().collect::<String>());
        }
        () if h.birth.year < 1960 && rng.chance(500) => p.add_number(card_system, &format!("{}{}", &h.card[..6], &h.card[8..17])),
        // somebody else of the family's card
        () if rng.chance(15) => p.add_number(card_system, &mother.card),
        () => p.add_number(card_system, &h.card),
    }
    if rng.chance(5_500) {
        p.add_number("urn:oid:2.16.156.10011.1.15", &h.insurance);
    }
    p.add_number(&format!("urn:oid:2.16.156.10011.1.13.{institution}"), &format!("{:010}", rng.below(10_000_000_000)));
}

fn address(rng: &mut Rng, whole: &str) -> String {
    match rng.below(10) {
        0..=4 => whole.to_owned(),
        5 | 6 => whole.replace("重庆市", ""),
        7 => whole.replace("重庆市奉节县", ""),
        8 => whole.split('组').next().unwrap_or(whole).to_owned(),
        _ => household(rng).address,
    }
}

fn main() {
    let mut args = std::env::args().skip(1).filter_map(|a| a.parse::<u64>().ok());
    let (persons, seed) = (args.next().unwrap_or(100_000) as usize, args.next().unwrap_or(1));
    let mut rng = Rng(seed);
    let humans = population(&mut rng, persons);
    // which human each record is of: most have one or two, some many
    let mut arrivals: Vec<u32> = Vec::new();
    for h in 0..humans.len() {
        let mut times = 1;
        while times < 5 && rng.chance(3_800) {
            times += 1;
        }
        arrivals.extend(std::iter::repeat_n(h as u32, times));
    }
    for i in (1..arrivals.len()).rev() {
        arrivals.swap(i, rng.below(i as u64 + 1) as usize);
    }
    println!("{} persons, {} records, seed {seed}", humans.len(), arrivals.len());
    let weights = Weights::built_in();
    let by = By::Rules(weights.version.clone());
    let mut register = Register::new(weights);
    let mut micros: Vec<u32> = Vec::with_capacity(arrivals.len());
    let (mut linked, mut reviewed) = (0u64, 0u64);
    let mut why: HashMap<String, (u64, u64)> = HashMap::new();
    let mut truth: Vec<u32> = Vec::with_capacity(arrivals.len());
    let mut shown = 0;
    for (i, h) in arrivals.iter().enumerate() {
        let human = &humans[*h as usize];
        let mother = &humans[(*h as usize).saturating_sub(1)];
        let institution = rng.below(24);
        let person = record(&mut rng, human, mother, institution);
        let started = Instant::now();
        let decision = register.decide(&person, None);
        micros.push(started.elapsed().as_micros() as u32);
        let key = i.to_string();
        register.apply(&Event::Record { key: key.clone(), person: person.clone() });
        truth.push(*h);
        let best = match &decision {
            Decision::Link(c) => {
                linked += 1;
                register.apply(&Event::Link { a: key, b: c.record.to_string(), by: by.clone() });
                Some(c)
            }
            Decision::Review(c) => {
                reviewed += 1;
                c.first()
            }
            Decision::Separate => None,
        };
        if let Some(c) = best {
            let right = truth[c.record as usize] == *h;
            let label = format!("{} {:?}", if matches!(decision, Decision::Link(_)) { "link" } else { "review" }, c.reason);
            let count = why.entry(label).or_default();
            if right {
                count.0 += 1
            } else {
                count.1 += 1
            }
            if !right && matches!(decision, Decision::Link(_)) && shown < 12 && std::env::var_os("SHOW").is_some() {
                shown += 1;
                println!("wrong: {person:?}\n   and {:?}\n   {:?}", register.person(c.record), c.score);
            }
        }
    }
    if std::env::var_os("SHOW").is_some() {
        missed(&register, &truth);
    }
    report(&register, &truth, micros, linked, reviewed, why);
}

/// Some pairs of records of one person that were not linked.
fn missed(register: &Register, truth: &[u32]) {
    let mut first: HashMap<u32, u32> = HashMap::new();
    let mut shown = 0;
    for (record, human) in truth.iter().enumerate() {
        let earlier = *first.entry(*human).or_insert(record as u32);
        if register.person_of(earlier) != register.person_of(record as u32) && shown < 40 {
            shown += 1;
            println!("missed: {:?}\n    and {:?}", register.person(earlier), register.person(record as u32));
        }
    }
}

fn report(register: &Register, truth: &[u32], mut micros: Vec<u32>, linked: u64, reviewed: u64, why: HashMap<String, (u64, u64)>) {
    let pairs = |n: u64| n * n.saturating_sub(1) / 2;
    let mut of_truth: HashMap<u32, u64> = HashMap::new();
    let mut of_person: HashMap<u32, u64> = HashMap::new();
    let mut both: HashMap<(u32, u32), u64> = HashMap::new();
    for (record, human) in truth.iter().enumerate() {
        let person = register.person_of(record as u32).0;
        *of_truth.entry(*human).or_default() += 1;
        *of_person.entry(person).or_default() += 1;
        *both.entry((*human, person)).or_default() += 1;
    }
    let sum = |counts: &mut dyn Iterator<Item = &u64>| counts.map(|n| pairs(*n)).sum::<u64>();
    let right = sum(&mut both.values());
    let (found, wanted) = (sum(&mut of_person.values()), sum(&mut of_truth.values()));
    println!("precision {:.5}   {right} of {found} linked pairs are one person", right as f64 / found.max(1) as f64);
    println!("recall    {:.5}   of {wanted} pairs", right as f64 / wanted.max(1) as f64);
    println!("linked {linked}, review {reviewed} ({:.2} %)", 100.0 * reviewed as f64 / truth.len() as f64);
    let mut why: Vec<_> = why.into_iter().collect();
    why.sort();
    for (reason, (right, wrong)) in why {
        println!("  {reason:28} {right:8} right {wrong:8} wrong");
    }
    let half = micros.len() / 2;
    let mut late: Vec<u32> = micros.split_off(half);
    late.sort_unstable();
    let at = |p: usize| late[(late.len() * p / 1000).min(late.len() - 1)];
    println!("decision, second half: p50 {} µs, p99 {} µs, p99.9 {} µs, max {} µs", at(500), at(990), at(999), at(1000));
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(line) = status.lines().find(|l| l.starts_with("VmHWM")) {
        println!("{line}");
    }
}
