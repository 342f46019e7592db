//! Forms of a diff: within their bounds whatever is found, and text stays text whatever stands in it.

use cfn::{LogicalId, Template};
use proptest::prelude::*;
use review::{
    diff::{Context, Diff, Fact, Risk, Undo, Verdict, diff},
    render::{ChangeSet, MARKDOWN_BYTES, Review, Style, markdown, terminal},
};

const PLAIN: Style = Style { width: 80, colour: false, unfolded: true };

fn fact(risk: Risk, subject: usize, sentence: String) -> Fact {
    let subject = LogicalId::parse(&format!("Thing{subject}")).unwrap();
    let undo = Undo::No("the messages in it are gone".to_owned());
    Fact { undo, ..Fact::new("tested", risk, &[&subject], sentence) }
}

fn found(mut facts: Vec<Fact>) -> Diff {
    facts.sort_by_key(|fact| fact.risk);
    Diff { facts, changes: Vec::new(), sections: Vec::new(), verdict: Verdict::default() }
}

fn review(diff: &Diff) -> Review<'_> {
    Review { name: "prod", is_environment: true, against: "what is deployed", change_set: None, diff }
}

fn template(text: &str) -> Template {
    cfn::read::template(text).unwrap()
}

/// Everything before the first fold.
fn visible(page: &str) -> &str {
    page.split("<details>").next().unwrap()
}

/// What holds of every page.
fn check_page(page: &str) {
    assert!(page.len() <= MARKDOWN_BYTES, "{} bytes", page.len());
    let longest = page.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(longest <= 100, "{longest} columns");
    let lines = |wanted: &str| page.lines().filter(|line| *line == wanted).count();
    assert_eq!(lines("<details>"), lines("</details>"));
    assert!(visible(page).lines().count() <= 60, "{}", visible(page));
    assert!(page.starts_with("<!-- cargo xtask diff: prod -->\n"));
}

const RISKS: [Risk; 6] = [Risk::Destructive, Risk::Failure, Risk::Exposure, Risk::Access, Risk::Flow, Risk::Note];

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn any_number_of_facts_fits_a_comment_and_none_is_lost_without_a_word(
        facts in prop::collection::vec((prop::sample::select(RISKS.to_vec()), "[ -~äß🔴]{1,300}"), 0..400)
    ) {
        let facts = facts.into_iter().enumerate().map(|(at, (risk, text))| fact(risk, at, format!("Thing{at}: {text}")));
        let diff = found(facts.collect());
        let page = markdown(&[review(&diff)]);
        check_page(&page);
        let text = terminal(&[review(&diff)], PLAIN);
        prop_assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn what_is_destructive_is_seen_before_anything_is_unfolded(count in 1_usize..200, others in 0_usize..300) {
        let destructive = (0..count).map(|at| fact(Risk::Destructive, at, format!("Thing{at} is deleted: its messages are gone")));
        let others = (0..others).map(|at| fact(Risk::Note, 1000 + at, format!("Thing{} is another", 1000 + at)));
        let diff = found(destructive.chain(others).collect());
        let page = markdown(&[review(&diff)]);
        check_page(&page);
        let words: Vec<&str> = visible(&page).split(|char: char| !char.is_alphanumeric()).collect();
        let missing = (0..count).filter(|at| !words.contains(&format!("Thing{at}").as_str())).count();
        prop_assert_eq!(missing, 0, "{}", visible(&page));
    }
}

#[test]
fn more_destruction_than_lines_is_counted() {
    let diff = found((0..5000).map(|at| fact(Risk::Destructive, at, format!("Thing{at} is deleted"))).collect());
    let page = markdown(&[review(&diff)]);
    check_page(&page);
    let listed = visible(&page).split_once("destructive facts").map_or("", |(_, rest)| rest).matches("Thing").count();
    let more = format!("**{} more**", 5000 - listed);
    assert!(
        visible(&page).contains("5000 destructive facts") && visible(&page).contains(&more),
        "{more}: {}",
        visible(&page)
    );
}

#[test]
fn a_monster_of_values_fits_a_comment_and_says_what_it_left_out() {
    let resource = |at: usize, text: &str| {
        format!(
            "  Queue{at}:\n    Type: AWS::SQS::Queue\n    Properties: {{QueueName: q{at}, Tags: [{{Key: a, Value: '{text}'}}]}}\n"
        )
    };
    let side =
        |text: &str| template(&format!("Resources:\n{}", (0..400).map(|at| resource(at, text)).collect::<String>()));
    let long = "`````` ~~~ </details> ".repeat(60);
    let diff = diff(&side("short"), &side(&long), &Context::default());
    let page = markdown(&[review(&diff)]);
    check_page(&page);
    assert!(
        page.contains(" changes left out here: `cargo xtask diff --details` shows all."),
        "{}",
        &page[page.len() - 300..]
    );
}

/// A name that does all that a name can try.
const HOSTILE: &str = "x` </details><img src=x onerror=alert(1)> | @octocat #12 **b** [l](javascript:a) \
                       https://evil.example \u{202e}\u{1b}]8;;x\u{7} ![i](y) --> <!-- $a$";

#[test]
fn a_name_is_text_in_markdown_whatever_stands_in_it() {
    let page = markdown(&[review(&found(vec![fact(Risk::Destructive, 0, format!("queue {HOSTILE} is deleted"))]))]);
    check_page(&page);
    let line = page.lines().skip_while(|line| !line.starts_with("- queue")).take(3).collect::<Vec<_>>().join(" ");
    for (written, why) in [
        ("x\\` ", "no code"),
        ("\\</details\\>\\<img", "no element"),
        (" \\| ", "no cell of a table"),
        ("@\u{200b}octocat", "no mention"),
        ("#\u{200b}12", "no reference to an issue"),
        ("\\*\\*b\\*\\*", "no format"),
        ("\\[l\\](javascript", "no link"),
        ("https:\u{200b}//evil", "no address that becomes a link"),
        ("\\!\\[i\\]", "no picture"),
        ("\\$a\\$", "no formula"),
    ] {
        assert!(line.contains(written), "{why}: {line}");
    }
    assert!(!page.contains(['\u{1b}', '\u{7}', '\u{202e}']));
}

#[test]
fn a_name_is_text_on_a_terminal_whatever_stands_in_it() {
    let diff = found(vec![fact(Risk::Destructive, 0, format!("queue {HOSTILE} is deleted"))]);
    let text = terminal(&[review(&diff)], PLAIN);
    assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
}

#[test]
fn values_are_text_inside_of_their_fence() {
    let side = |value: &str| {
        let value = serde_json::to_string(value).unwrap();
        template(&format!(
            "Resources:\n  Q: {{Type: AWS::SQS::Queue, Properties: {{Tags: [{{Key: a, Value: {value}}}]}}}}\n"
        ))
    };
    let diff = diff(&side("before"), &side("\n````\n</details>\n@octocat"), &Context::default());
    let page = markdown(&[review(&diff)]);
    let fence = page.lines().find(|line| line.ends_with("diff") && line.starts_with("```")).unwrap();
    let fence = fence.strip_suffix("diff").unwrap();
    assert_eq!(fence, "`````");
    // A line between the fences begins with its sign, so that none is the end of anything.
    let inside = page.split(&format!("{fence}\n")).next().unwrap().split(&format!("{fence}diff\n")).last().unwrap();
    assert!(inside.lines().all(|line| line.is_empty() || line.starts_with(['#', '-', '+', ' '])), "{page}");
    check_page(&page);
}

#[test]
fn colours_only_colour() {
    let diff =
        found(vec![fact(Risk::Destructive, 0, "queue is deleted".to_owned()), fact(Risk::Code, 1, "code".to_owned())]);
    let coloured = terminal(&[review(&diff)], Style { colour: true, ..PLAIN });
    let mut bare = String::new();
    for (at, part) in coloured.split("\u{1b}[").enumerate() {
        bare.push_str(if at == 0 { part } else { part.split_once('m').unwrap().1 });
    }
    assert_eq!(bare, terminal(&[review(&diff)], PLAIN));
    assert!(coloured.contains("\u{1b}[1;31mDestructive"), "{coloured:?}");
}

#[test]
fn what_is_alike_in_several_environments_is_said_once_and_where_they_differ_is_said() {
    let of = |name: &str, extra: Option<&str>| {
        let shared = fact(Risk::Flow, 0, format!("shop-{name}-orders is reached no longer"));
        found([Some(shared), extra.map(|text| fact(Risk::Note, 1, text.to_owned()))].into_iter().flatten().collect())
    };
    let (dev, prod) = (of("dev", None), of("prod", Some("a table is added")));
    let against = "git:main";
    let reviews = [
        Review { name: "dev", is_environment: true, against, change_set: None, diff: &dev },
        Review { name: "prod", is_environment: true, against, change_set: None, diff: &prod },
    ];
    let text = terminal(&reviews, PLAIN);
    assert_eq!(text.matches("orders is reached").count(), 1, "{text}");
    assert!(text.contains("shop-{env}-orders is reached no longer\n"), "{text}");
    assert!(text.contains("a table is added\n    only in prod;"), "{text}");
    let page = markdown(&reviews);
    assert!(page.starts_with("<!-- cargo xtask diff: dev,prod -->\n"), "{page}");
    assert!(page.contains("- a table is added\n  _only in prod; undo:"), "{page}");
}

#[test]
fn what_cloudformation_says_is_told_and_that_it_says_nothing_too() {
    let agreed = found(vec![fact(Risk::Note, 0, "a queue is added".to_owned())]);
    let differing = fact(Risk::Note, 0, "CloudFormation's change set says otherwise".to_owned());
    let differs = found(vec![Fact { id: "change-set-differs", ..differing }]);
    let nothing = found(Vec::new());
    let missing = ChangeSet::Missing("you may not ask *anything*");
    for (diff, known, wanted) in [
        (&agreed, ChangeSet::Joined, "CloudFormation's change set says the same."),
        (&differs, ChangeSet::Joined, "CloudFormation's change set differs: 1 time."),
        (&differs, ChangeSet::Refused, "CloudFormation refuses this change."),
        (&nothing, missing, "Without CloudFormation's change set (you may not ask *anything*):"),
        (&agreed, missing, "Without CloudFormation's change set (you may not ask *anything*):"),
    ] {
        let reviews = [Review { change_set: Some(known), ..review(diff) }];
        let text = terminal(&reviews, PLAIN);
        assert!(text.contains(&format!("\n{wanted}")), "{text}");
        let page = markdown(&reviews);
        let escaped = wanted.replace('*', "\\*");
        assert!(visible(&page).contains(&escaped), "{page}");
        let both = markdown(&[reviews[0], Review { name: "dev", ..reviews[0] }]);
        assert_eq!(both.matches(&escaped).count(), 2, "{both}");
    }
}

#[test]
fn nothing_is_said_where_nothing_changes() {
    let diff = found(Vec::new());
    assert_eq!(terminal(&[review(&diff)], PLAIN), "prod against what is deployed: nothing changes\n");
    let page = markdown(&[review(&diff)]);
    assert_eq!(
        page.trim_end(),
        "<!-- cargo xtask diff: prod -->\n## Infrastructure: prod\nAgainst what is deployed: nothing changes."
    );
}
