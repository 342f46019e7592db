//! What is dangerous about a permission.

use super::{
    area::{Look, Test, Values},
    compare::Grant,
    names::Names,
    pattern::{Pattern, Sign},
    policies::{Side, Subject},
};
use crate::diff::compared::Compared;

/// What is known of both templates, to judge a permission by.
pub(super) struct Judge<'a, 'n> {
    pub(super) compared: &'a Compared<'a>,
    pub(super) names: &'n Names<'a>,
}

/// What is to be told of a permission beside what it allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Marks {
    /// Everyone has it.
    pub(super) public: bool,
    /// Another account has it.
    pub(super) foreign: bool,
    /// It gives rights, keys or secrets.
    pub(super) sensitive: bool,
    /// It is of a role that is there newly.
    pub(super) new_role: bool,
    /// It reaches something that was there before.
    pub(super) widens: bool,
    /// It is about requests without TLS.
    pub(super) transport: bool,
}

/// Conditions that bind a principal `*` or a service to somebody, where they name him.
///
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>
const BINDING: [&str; 16] = [
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceowner",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceip",
    "aws:vpcsourceip",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:userid",
    "kms:calleraccount",
    "s3:dataaccesspointaccount",
];

/// Actions that give rights away, become somebody else, or open what is locked; any pattern that covers one is as good.
const SENSITIVE: [&str; 21] = [
    "iam:passrole",
    "iam:createrole",
    "iam:attachrolepolicy",
    "iam:putrolepolicy",
    "iam:createpolicyversion",
    "iam:updateassumerolepolicy",
    "iam:createaccesskey",
    "iam:createuser",
    "iam:deleterolepermissionsboundary",
    "sts:assumerole",
    "kms:decrypt",
    "kms:creategrant",
    "kms:putkeypolicy",
    "kms:schedulekeydeletion",
    "secretsmanager:getsecretvalue",
    "secretsmanager:putresourcepolicy",
    "ssm:getparameter",
    "lambda:updatefunctioncode",
    "lambda:addpermission",
    "organizations:leaveorganization",
    "cloudformation:createstack",
];

impl Judge<'_, '_> {
    /// Whether what a policy is about is there afterwards. What happens to what is not is told elsewhere.
    pub(super) fn is_there(&self, subject: &Subject) -> bool {
        self.names.thing(&subject.name).is_some() || !self.compared.old.template.resources.contains_key(&*subject.name)
    }

    /// Whether a resource is there newly.
    pub(super) fn is_new(&self, id: &str) -> bool {
        self.names.thing(id).is_some() && self.compared.pair(id).is_none()
    }

    /// What is dangerous about a permission.
    pub(super) fn marks(&self, subject: &Subject, grant: &Grant) -> Marks {
        let new_subject = self.is_new(&subject.name);
        let by_service = grant.who.one().is_some_and(|who| who.pattern.0.starts_with(&Pattern::text("Service:").0));
        let wired = by_service && self.is_bound_to_own(grant);
        let reaches_new = |one: &super::statement::Named| one.resource.as_deref().is_some_and(|id| self.is_new(id));
        let widens = match subject.side {
            Side::Identity => !grant.resource.one().is_some_and(reaches_new),
            Side::Trust | Side::Resource => !new_subject && !wired,
        };
        Marks {
            public: subject.side != Side::Identity && self.is_public(grant),
            foreign: subject.side != Side::Identity && self.is_foreign(grant),
            sensitive: subject.side == Side::Identity && is_sensitive(grant),
            new_role: subject.side == Side::Identity && new_subject,
            widens,
            transport: grant.area.when.keys().any(|variable| &*variable.key == "aws:securetransport"),
        }
    }

    /// Whether it is worth a line of its own. A new thing with the wiring that it came with is told as a new thing.
    pub(super) fn is_news(&self, subject: &Subject, grant: &Grant, marks: Marks) -> bool {
        if marks.public || marks.foreign {
            return true;
        }
        let by_service = grant.who.one().is_some_and(|who| who.pattern.0.starts_with(&Pattern::text("Service:").0));
        match subject.side {
            Side::Trust => !(self.is_new(&subject.name) && by_service),
            Side::Resource => {
                let wired = by_service && self.is_bound_to_own(grant);
                !(wired || self.is_own_root(subject, grant))
            }
            Side::Identity => true,
        }
    }

    /// The account itself in the policy of its own new thing says nothing that was not so.
    fn is_own_root(&self, subject: &Subject, grant: &Grant) -> bool {
        self.is_new(&subject.name) && grant.who.one().is_some_and(|who| self.account_of(&who.pattern) == Some(true))
    }

    /// Whether a principal is of this account; nothing where it is no account's.
    fn account_of(&self, who: &Pattern) -> Option<bool> {
        let rest = who.0.strip_prefix(Pattern::text("AWS:").0.as_slice())?;
        let at = rest.iter().position(|sign| *sign == Sign::Char(':'))?;
        Some(rest.get(..at)? == self.names.account())
    }

    fn is_public(&self, grant: &Grant) -> bool {
        (grant.who.not || grant.who.is_everything()) && !is_bound(grant) && !self.is_endpoint(grant)
    }

    /// The policy of an endpoint limits what passes it, and lets nobody in.
    fn is_endpoint(&self, grant: &Grant) -> bool {
        let id = grant.resource.one().and_then(|one| one.resource.as_deref());
        id.and_then(|id| self.names.thing(id)).is_some_and(|thing| thing.is("AWS::EC2::VPCEndpoint"))
    }

    fn is_foreign(&self, grant: &Grant) -> bool {
        grant.who.one().is_some_and(|who| !who.pattern.is_anything() && self.account_of(&who.pattern) == Some(false))
    }

    /// Whether a condition names a thing of this template as the source.
    fn is_bound_to_own(&self, grant: &Grant) -> bool {
        let sources = grant.area.when.iter().filter(|(variable, _)| &*variable.key == "aws:sourcearn");
        let texts = sources.flat_map(|(_, tests)| tests).filter_map(|test| match &test.values {
            Values::Texts(texts) if !texts.not && !test.absent => Some(texts),
            _ => None,
        });
        texts.into_iter().any(|texts| !texts.any_of.is_empty() && texts.any_of.iter().all(|one| self.is_own(one)))
    }

    /// Whether an ARN is one of the template's, or of a part of a thing of it.
    fn is_own(&self, arn: &Pattern) -> bool {
        let names_one = |sign: &Sign| match sign {
            Sign::Symbol(name) => {
                let id = name.split(['.', ',']).next().unwrap_or_default();
                self.names.thing(id).is_some()
            }
            _ => false,
        };
        self.names.resource(arn).is_some() || arn.0.iter().any(names_one)
    }
}

/// Whether a condition binds a principal to somebody.
fn is_bound(grant: &Grant) -> bool {
    let names_some = |test: &Test| match &test.values {
        Values::Texts(texts) => {
            let open = |one: &Pattern| one.0.iter().all(|sign| matches!(sign, Sign::Many | Sign::One));
            !texts.not && !texts.any_of.is_empty() && !texts.any_of.iter().any(open)
        }
        Values::Blocks { any_of, not } => !not && !any_of.iter().any(|(first, last)| is_internet(*first, *last)),
        Values::Opaque { not, more_is_more, .. } => !not && *more_is_more,
        Values::Numbers { .. } => false,
    };
    grant.area.when.iter().any(|(variable, tests)| {
        let binds = BINDING.contains(&&*variable.key)
            || variable.look == Look::Operator("Condition".into())
            || (&*variable.key == "lambda:functionurlauthtype" && tests.iter().any(is_iam));
        binds && tests.iter().any(|test| !test.absent && names_some(test))
    })
}

/// Whether a block is all of IPv4, or of IPv6.
fn is_internet(first: u128, last: u128) -> bool {
    let (first_ipv4, last_ipv4) = (0xffff_0000_0000, 0xffff_ffff_ffff);
    (first <= first_ipv4 && last >= last_ipv4) || last - first >= u128::MAX / 16
}

/// A function's URL that asks for IAM lets in only whom IAM allows.
fn is_iam(test: &Test) -> bool {
    let iam = Pattern::text("AWS_IAM");
    matches!(&test.values, Values::Texts(texts) if !texts.not && texts.any_of == [iam])
}

fn is_sensitive(grant: &Grant) -> bool {
    let texts = grant.action.texts();
    SENSITIVE.iter().any(|action| super::pattern::is_empty(&[&texts, &one_text(action)]) == Some(false))
}

fn one_text(text: &str) -> super::pattern::Texts {
    super::pattern::Texts::any_of(vec![Pattern::text(text)])
}
