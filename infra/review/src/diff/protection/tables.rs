//! What protects, by resource type.

/// A switch; `on` is what it says when it is on.
pub(super) struct Switch {
    pub(super) kind: &'static str,
    pub(super) place: &'static str,
    pub(super) on: &'static str,
    /// Whether it is on where the template says nothing.
    pub(super) default: bool,
    pub(super) id: &'static str,
    /// What is so when it is off.
    pub(super) words: &'static str,
    pub(super) why: &'static str,
}

const fn switch(
    (kind, place, on): (&'static str, &'static str, &'static str),
    default: bool,
    id: &'static str,
    words: &'static str,
    why: &'static str,
) -> Switch {
    Switch { kind, place, on, default, id, words, why }
}

const DELETION: &str = "deletion-protection-removed";
const DELETION_WORDS: &str = "no longer protected from being deleted";
const DELETION_WHY: &str = "a mistake, here or in the console, deletes it";
const ENCRYPTION: &str = "encryption-removed";
const AT_REST: &str = "no longer encrypted at rest";
const BACKUPS: &str = "backups-removed";
const TRACES: &str = "traces-removed";
const LOGS: &str = "access-log-removed";
const LOGS_WHY: &str = "who did what can no longer be found out";

/// Source: the page of each type in <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/>
pub(super) const SWITCHES: &[Switch] = &[
    switch(
        ("AWS::SQS::Queue", "SqsManagedSseEnabled", "true"),
        true,
        ENCRYPTION,
        AT_REST,
        "messages lie in plain text for as long as they wait",
    ),
    switch(
        ("AWS::DynamoDB::Table", "DeletionProtectionEnabled", "true"),
        false,
        DELETION,
        DELETION_WORDS,
        DELETION_WHY,
    ),
    switch(
        ("AWS::DynamoDB::Table", "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled", "true"),
        false,
        BACKUPS,
        "no longer restorable to a point in time",
        "what is written wrongly or deleted cannot be brought back",
    ),
    switch(
        ("AWS::DynamoDB::Table", "SSESpecification.SSEEnabled", "true"),
        false,
        "encryption-weaker",
        "encrypted with DynamoDB's own key instead of one in KMS",
        OWN_KEY,
    ),
    switch(("AWS::RDS::DBInstance", "DeletionProtection", "true"), false, DELETION, DELETION_WORDS, DELETION_WHY),
    switch(("AWS::RDS::DBCluster", "DeletionProtection", "true"), false, DELETION, DELETION_WORDS, DELETION_WHY),
    switch(("AWS::RDS::DBInstance", "StorageEncrypted", "true"), false, ENCRYPTION, AT_REST, ""),
    switch(("AWS::RDS::DBCluster", "StorageEncrypted", "true"), false, ENCRYPTION, AT_REST, ""),
    switch(
        ("AWS::RDS::DBInstance", "MultiAZ", "true"),
        false,
        "standby-removed",
        "no standby in another zone any more",
        "when its zone fails, the database is gone until the zone is back",
    ),
    switch(
        ("AWS::S3::Bucket", "VersioningConfiguration.Status", "Enabled"),
        false,
        BACKUPS,
        "no further versions are kept",
        "what is overwritten or deleted cannot be brought back",
    ),
    switch(
        ("AWS::KMS::Key", "EnableKeyRotation", "true"),
        false,
        "rotation-removed",
        "no longer rotated",
        "the same key material is used for ever",
    ),
    switch(
        ("AWS::KMS::Key", "Enabled", "true"),
        true,
        "key-disabled",
        "the key is disabled",
        "nothing that is encrypted with it can be read, by nobody",
    ),
    switch(("AWS::EFS::FileSystem", "Encrypted", "true"), false, ENCRYPTION, AT_REST, ""),
    switch(("AWS::EC2::Volume", "Encrypted", "true"), false, ENCRYPTION, AT_REST, ""),
    switch(("AWS::Cognito::UserPool", "DeletionProtection", "ACTIVE"), false, DELETION, DELETION_WORDS, DELETION_WHY),
    switch(
        ("AWS::Cognito::UserPool", "MfaConfiguration", "ON"),
        false,
        "mfa-removed",
        "a second factor is no longer asked for",
        "a stolen password is enough",
    ),
    switch(("AWS::Logs::LogGroup", "DeletionProtectionEnabled", "true"), false, DELETION, DELETION_WORDS, DELETION_WHY),
    switch(("AWS::Lambda::Function", "TracingConfig.Mode", "Active"), false, TRACES, "no longer traced", ""),
    switch(("AWS::ApiGateway::Stage", "TracingEnabled", "true"), false, TRACES, "no longer traced", ""),
    switch(("AWS::CloudTrail::Trail", "IsLogging", "true"), false, LOGS, "no longer records", LOGS_WHY),
    switch(
        ("AWS::CloudTrail::Trail", "EnableLogFileValidation", "true"),
        false,
        LOGS,
        "its files are no longer proof against changes",
        LOGS_WHY,
    ),
    switch(("AWS::ElastiCache::ReplicationGroup", "AtRestEncryptionEnabled", "true"), false, ENCRYPTION, AT_REST, ""),
    switch(
        ("AWS::ElastiCache::ReplicationGroup", "TransitEncryptionEnabled", "true"),
        false,
        ENCRYPTION,
        "no longer encrypted on the way",
        "",
    ),
    switch(("AWS::GuardDuty::Detector", "Enable", "true"), false, "detector-removed", "no longer watches", ""),
    switch(
        ("AWS::EC2::Instance", "DisableApiTermination", "true"),
        false,
        DELETION,
        "no longer protected from being terminated",
        DELETION_WHY,
    ),
    switch(
        ("AWS::OpenSearchService::Domain", "EncryptionAtRestOptions.Enabled", "true"),
        false,
        ENCRYPTION,
        AT_REST,
        "",
    ),
    switch(
        ("AWS::OpenSearchService::Domain", "DomainEndpointOptions.EnforceHTTPS", "true"),
        false,
        "tls-only-removed",
        "answers without TLS again",
        "",
    ),
    switch(("AWS::Redshift::Cluster", "Encrypted", "true"), false, ENCRYPTION, AT_REST, ""),
    switch(
        ("AWS::ECR::Repository", "ImageScanningConfiguration.ScanOnPush", "true"),
        false,
        "scan-removed",
        "images are no longer scanned",
        "",
    ),
    switch(
        ("AWS::ECR::Repository", "ImageTagMutability", "IMMUTABLE"),
        false,
        "immutability-removed",
        "a tag may point to another image from now on",
        "what was reviewed may not be what runs",
    ),
];

/// A setting that is there or not.
pub(super) struct Setting {
    pub(super) kind: &'static str,
    pub(super) place: &'static str,
    pub(super) id: &'static str,
    /// What is so when it is not there.
    pub(super) words: &'static str,
    pub(super) why: &'static str,
}

const fn setting(
    kind: &'static str,
    place: &'static str,
    id: &'static str,
    words: &'static str,
    why: &'static str,
) -> Setting {
    Setting { kind, place, id, words, why }
}

const DEAD_LETTERS: &str = "dead-letters-removed";
const KEY: &str = "encryption-weaker";
const NO_KEY: &str = "no longer encrypted with a key of one's own";
/// Why a key of one's own protects more.
pub(super) const OWN_KEY: &str = "who may use the service may read it: no key policy is asked";

pub(super) const SETTINGS: &[Setting] = &[
    setting(
        "AWS::SQS::Queue",
        "RedrivePolicy.deadLetterTargetArn",
        DEAD_LETTERS,
        "no dead-letter queue any more",
        "a message that always fails comes back until its retention ends, and is gone then",
    ),
    setting(
        "AWS::SNS::Subscription",
        "RedrivePolicy.deadLetterTargetArn",
        DEAD_LETTERS,
        "no dead-letter queue any more",
        "what SNS cannot deliver is gone after its last try",
    ),
    setting(
        "AWS::Lambda::Function",
        "DeadLetterConfig.TargetArn",
        DEAD_LETTERS,
        "no dead-letter target any more",
        "an event that fails three times is gone",
    ),
    setting(
        "AWS::Lambda::EventInvokeConfig",
        "DestinationConfig.OnFailure.Destination",
        DEAD_LETTERS,
        "no destination for failures any more",
        "an event that fails for good is gone",
    ),
    setting(
        "AWS::Lambda::EventSourceMapping",
        "DestinationConfig.OnFailure.Destination",
        DEAD_LETTERS,
        "no destination for failures any more",
        "records that fail until they are given up are gone",
    ),
    setting(
        "AWS::Scheduler::Schedule",
        "Target.DeadLetterConfig.Arn",
        DEAD_LETTERS,
        "no dead-letter queue any more",
        "a call that fails for good is gone",
    ),
    setting(
        "AWS::Lambda::Function",
        "ReservedConcurrentExecutions",
        "concurrency-limit-removed",
        "no reserved concurrency any more",
        "nothing is kept free for it, and it may use up all of the account's",
    ),
    setting(
        "AWS::Lambda::EventSourceMapping",
        "ScalingConfig.MaximumConcurrency",
        "concurrency-limit-removed",
        "no limit of batches at once any more",
        "a full queue may use up all of the account's concurrency",
    ),
    setting("AWS::Lambda::Function", "KmsKeyArn", KEY, NO_KEY, OWN_KEY),
    setting("AWS::Lambda::Function", "CodeSigningConfigArn", "signing-removed", "code need not be signed any more", ""),
    setting("AWS::SQS::Queue", "KmsMasterKeyId", KEY, NO_KEY, OWN_KEY),
    setting(
        "AWS::SNS::Topic",
        "KmsMasterKeyId",
        "encryption-removed",
        "no longer encrypted at rest",
        "SNS keeps messages until they are delivered, for days if it must",
    ),
    setting("AWS::Logs::LogGroup", "KmsKeyId", KEY, NO_KEY, OWN_KEY),
    setting("AWS::SecretsManager::Secret", "KmsKeyId", KEY, NO_KEY, OWN_KEY),
    setting("AWS::Kinesis::Stream", "StreamEncryption.EncryptionType", "encryption-removed", AT_REST, ""),
    setting("AWS::S3::Bucket", "BucketEncryption.ServerSideEncryptionConfiguration", KEY, NO_KEY, OWN_KEY),
    setting("AWS::S3::Bucket", "LoggingConfiguration", LOGS, "no access log any more", LOGS_WHY),
    setting("AWS::S3::Bucket", "ReplicationConfiguration.Rules", BACKUPS, "no longer replicated", ""),
    setting(
        "AWS::S3::Bucket",
        "ObjectLockConfiguration",
        "deletion-protection-removed",
        "objects are no longer locked",
        "",
    ),
    setting("AWS::ApiGatewayV2::Stage", "AccessLogSettings.DestinationArn", LOGS, "no access log any more", LOGS_WHY),
    setting("AWS::ApiGateway::Stage", "AccessLogSetting.DestinationArn", LOGS, "no access log any more", LOGS_WHY),
    setting(
        "AWS::CloudFront::Distribution",
        "DistributionConfig.Logging.Bucket",
        LOGS,
        "no access log any more",
        LOGS_WHY,
    ),
    setting(
        "AWS::CloudFront::Distribution",
        "DistributionConfig.WebACLId",
        "firewall-removed",
        "no longer behind a web firewall",
        "",
    ),
    setting("AWS::Logs::LogGroup", "DataProtectionPolicy", "masking-removed", "no longer masks personal data", ""),
    setting("AWS::SecretsManager::RotationSchedule", "RotationRules", "rotation-removed", "no longer rotated", ""),
];

/// Where a key of one's own may give way to one of AWS.
pub(super) const KEYS: [(&str, &str); 5] = [
    ("AWS::SQS::Queue", "KmsMasterKeyId"),
    ("AWS::SNS::Topic", "KmsMasterKeyId"),
    ("AWS::SecretsManager::Secret", "KmsKeyId"),
    ("AWS::Lambda::Function", "KmsKeyArn"),
    ("AWS::RDS::DBInstance", "KmsKeyId"),
];

/// A number that protects.
pub(super) struct Number {
    pub(super) kind: &'static str,
    pub(super) place: &'static str,
    pub(super) weaker: Weaker,
    /// What AWS takes where the template says nothing; nothing where that is not known.
    pub(super) absent: Option<f64>,
    pub(super) id: &'static str,
    pub(super) words: &'static str,
    pub(super) unit: &'static str,
    pub(super) why: &'static str,
    /// What is deleted that is older, and that the old template does not bring back.
    pub(super) lost: Option<&'static str>,
}

/// Which way is the weaker one.
pub(super) enum Weaker {
    Less,
    More,
}

pub(super) const NUMBERS: &[Number] = &[
    Number {
        kind: "AWS::SQS::Queue",
        place: "RedrivePolicy.maxReceiveCount",
        weaker: Weaker::Less,
        absent: None,
        id: "fewer-tries",
        words: "a message is given up after",
        unit: "receives",
        why: "what would have been tried again lies in the dead-letter queue",
        lost: None,
    },
    Number {
        kind: "AWS::SQS::Queue",
        place: "MessageRetentionPeriod",
        weaker: Weaker::Less,
        absent: Some(345_600.0),
        id: "retention-shortened",
        words: "messages are kept for",
        unit: "s",
        why: "what waits longer is deleted, also what waits now",
        lost: Some("messages"),
    },
    Number {
        kind: "AWS::Logs::LogGroup",
        place: "RetentionInDays",
        weaker: Weaker::Less,
        absent: Some(f64::INFINITY),
        id: "retention-shortened",
        words: "log lines are kept for",
        unit: "days",
        why: "older lines are deleted, also those that are there now",
        lost: Some("lines"),
    },
    Number {
        kind: "AWS::RDS::DBInstance",
        place: "BackupRetentionPeriod",
        weaker: Weaker::Less,
        absent: Some(1.0),
        id: "retention-shortened",
        words: "backups are kept for",
        unit: "days",
        why: "older backups are deleted",
        lost: Some("backups"),
    },
    Number {
        kind: "AWS::RDS::DBCluster",
        place: "BackupRetentionPeriod",
        weaker: Weaker::Less,
        absent: Some(1.0),
        id: "retention-shortened",
        words: "backups are kept for",
        unit: "days",
        why: "older backups are deleted",
        lost: Some("backups"),
    },
    Number {
        kind: "AWS::Kinesis::Stream",
        place: "RetentionPeriodHours",
        weaker: Weaker::Less,
        absent: Some(24.0),
        id: "retention-shortened",
        words: "records are kept for",
        unit: "hours",
        why: "older records are deleted",
        lost: Some("records"),
    },
    Number {
        kind: "AWS::KMS::Key",
        place: "PendingWindowInDays",
        weaker: Weaker::Less,
        absent: Some(30.0),
        id: "retention-shortened",
        words: "once deleted, the key is gone after",
        unit: "days",
        why: "so long a deletion can be taken back",
        lost: None,
    },
    Number {
        kind: "AWS::Lambda::EventInvokeConfig",
        place: "MaximumRetryAttempts",
        weaker: Weaker::Less,
        absent: Some(2.0),
        id: "fewer-tries",
        words: "an event that fails is tried again",
        unit: "times",
        why: "it is given up sooner",
        lost: None,
    },
    Number {
        kind: "AWS::Lambda::EventInvokeConfig",
        place: "MaximumEventAgeInSeconds",
        weaker: Weaker::Less,
        absent: Some(21_600.0),
        id: "fewer-tries",
        words: "an event is given up after",
        unit: "s",
        why: "it is given up sooner",
        lost: None,
    },
    Number {
        kind: "AWS::SecretsManager::RotationSchedule",
        place: "RotationRules.AutomaticallyAfterDays",
        weaker: Weaker::More,
        absent: None,
        id: "rotation-slower",
        words: "rotated every",
        unit: "days",
        why: "a secret that got out is good for longer",
        lost: None,
    },
    Number {
        kind: "AWS::IAM::Role",
        place: "MaxSessionDuration",
        weaker: Weaker::More,
        absent: Some(3_600.0),
        id: "sessions-longer",
        words: "who becomes the role may stay it for",
        unit: "s",
        why: "credentials that got out are good for longer",
        lost: None,
    },
];

/// A limit of what is let in: more, or none, is weaker.
pub(super) struct Limit {
    pub(super) kind: &'static str,
    pub(super) place: &'static str,
    pub(super) id: &'static str,
    pub(super) words: &'static str,
    pub(super) unit: &'static str,
}

const fn limit(kind: &'static str, place: &'static str, words: &'static str, unit: &'static str) -> Limit {
    Limit { kind, place, id: "throttle-raised", words, unit }
}

pub(super) const LIMITS: &[Limit] = &[
    limit("AWS::ApiGatewayV2::Stage", "DefaultRouteSettings.ThrottlingRateLimit", RATE, PER_SECOND),
    limit("AWS::ApiGatewayV2::Stage", "DefaultRouteSettings.ThrottlingBurstLimit", BURST, ""),
    limit("AWS::ApiGateway::UsagePlan", "Throttle.RateLimit", RATE, PER_SECOND),
    limit("AWS::ApiGateway::UsagePlan", "Throttle.BurstLimit", BURST, ""),
    limit("AWS::ApiGateway::UsagePlan", "Quota.Limit", "quota", "requests"),
    limit("AWS::SNS::Subscription", "DeliveryPolicy.throttlePolicy.maxReceivesPerSecond", "deliveries", PER_SECOND),
];

const RATE: &str = "requests";
const BURST: &str = "requests at once";
const PER_SECOND: &str = "a second";

/// Types of which CloudFormation keeps a snapshot where the template says nothing.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html>
pub(super) const SNAPSHOT_BY_DEFAULT: [&str; 1] = ["AWS::RDS::DBCluster"];

/// Resources that protect another one: the property that names it, and what is so without them.
pub(super) const GUARDIANS: [(&str, &str, &str); 5] = [
    ("AWS::WAFv2::WebACLAssociation", "ResourceArn", "no longer behind a web firewall"),
    ("AWS::SecretsManager::RotationSchedule", "SecretId", "no longer rotated"),
    ("AWS::Lambda::EventInvokeConfig", "FunctionName", "no rules for events that fail any more"),
    ("AWS::Logs::MetricFilter", "LogGroupName", "a metric is no longer made from its lines"),
    ("AWS::Shield::Protection", "ResourceArn", "no longer protected from floods"),
];
