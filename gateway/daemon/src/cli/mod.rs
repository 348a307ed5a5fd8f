//! The command line: one file a command. Exit codes: 0 done, 1 something was judged not right, 2 it could not be done.

mod admin;
mod cases;
mod check;
mod convert;
mod failure;
mod fhirpath;
mod figures;
pub(crate) mod files;
pub(crate) mod findings;
mod init;
mod journal;
pub(crate) mod lang;
mod map;
pub(crate) mod output;
mod package;
mod platform;
mod report;
mod schema;
mod send;
mod serve;
mod validate;
mod workbook;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub(crate) use failure::{Failure, Outcome};

/// 县域医共体 HL7 FHIR R4 互操作网关 · the HL7 FHIR R4 gateway of county medical communities
#[derive(Parser)]
#[command(name = "hutong", version, about, disable_help_subcommand = false)]
struct Args {
    /// 语言 · language (default: LANG)
    #[arg(long, global = true, value_enum)]
    lang: Option<lang::Lang>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// 演示：一个小县，8 家机构真实连接 · a whole small county over real connections
    Demo(crate::demo::Args),
    /// 运行网关 · run the gateway
    Serve(serve::Args),
    /// 写出带注释的配置 · write a commented configuration to start from
    Init(init::Args),
    /// 检查配置 · judge a configuration
    Check(check::Args),
    /// 把消息转换为 FHIR Bundle · any supported input to a FHIR Bundle
    Convert(convert::Args),
    /// 校验 FHIR 资源 · validate FHIR resources
    Validate(validate::Args),
    /// 打印 JSON Schema（配置、用例、输出行）· print a JSON Schema of our files and output lines
    Schema(schema::Args),
    /// 对资源求 FHIRPath 表达式的值 · what a FHIRPath expression gives on resources
    Fhirpath(fhirpath::Args),
    /// 厂商测试客户端：发送消息并解释应答 · send messages and explain the answers
    Send(send::Args),
    /// 患者主索引：reviews、show、decide · the index of persons
    Identity(admin::IdentityArgs),
    /// 导入机构、科室、人员、项目、对照、价格、互认规则等 · import registries and rules, as whole tables
    Import(admin::ImportArgs),
    /// 填报的数：form、list、approve、reject · figures that people report
    Figures(figures::Args),
    /// 病例：doubts、orphans、join、apart、close · cases that somebody decides on
    Cases(cases::Args),
    /// 报表：indicators（指标）、quarterly（季度通报）、recognition（结果互认）· reports: indicators, quarterly, recognition
    Report(report::Args),
    /// 映射工具：check、test、fmt、explain、coverage · tools for mapping authors
    Map(map::Args),
    /// 写出医共体规范的 FHIR 包 · write the community's profiles as a FHIR package
    Package(package::Args),
    /// 上级平台：show、retry、drop · the upper platform
    Platform(platform::Args),
    /// 测试用的上级平台 · an upper platform of ours, for tests
    #[command(hide = true)]
    PlatformSimulator(crate::platform::SimulatorArgs),
    /// 日志：verify、show、export、rebuild · the journal
    Journal(journal::Args),
    /// 在本机测量 · the project's benchmarks on this machine
    Bench(crate::bench::Args),
}

pub(crate) fn main() -> ExitCode {
    let args = Args::parse();
    lang::choose(args.lang);
    let outcome = match args.command {
        Command::Demo(args) => crate::demo::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Convert(args) => convert::run(&args),
        Command::Validate(args) => validate::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Fhirpath(args) => fhirpath::run(&args),
        Command::Send(args) => send::run(&args),
        Command::Identity(args) => admin::identity(&args),
        Command::Import(args) => admin::import(&args),
        Command::Figures(args) => figures::run(&args),
        Command::Cases(args) => cases::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Map(args) => map::run(&args),
        Command::Package(args) => package::run(&args),
        Command::Platform(args) => platform::run(&args),
        Command::PlatformSimulator(args) => crate::platform::simulate(args),
        Command::Journal(args) => journal::run(&args),
        Command::Bench(args) => crate::bench::run(&args),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            let mark = output::paint(lang::t("错误", "error"), "1;31", output::colour(true));
            eprintln!("{mark}: {failure}");
            ExitCode::from(failure.exit)
        }
    }
}
