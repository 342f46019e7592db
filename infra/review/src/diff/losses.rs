//! What is lost with a resource.

/// What a resource of this type takes with it, in words that go before "is lost" or "are lost".
struct Loss {
    kind: &'static str,
    what: &'static str,
    many: bool,
}

const fn is(kind: &'static str, what: &'static str) -> Loss {
    Loss { kind, what, many: false }
}

const fn are(kind: &'static str, what: &'static str) -> Loss {
    Loss { kind, what, many: true }
}

/// Source: what the page of each type says that it holds or names.
const LOSSES: &[Loss] = &[
    is("AWS::ACMPCA::CertificateAuthority", "the authority and what it signed"),
    are("AWS::AmazonMQ::Broker", "the messages in it"),
    is("AWS::ApiGateway::RestApi", "its address, which callers know,"),
    is("AWS::ApiGateway::DomainName", "the address that DNS points to"),
    is("AWS::ApiGateway::ApiKey", "the key that callers hold"),
    is("AWS::ApiGatewayV2::Api", "its address, which callers know,"),
    is("AWS::ApiGatewayV2::DomainName", "the address that DNS points to"),
    are("AWS::Backup::BackupVault", "the backups in it"),
    is("AWS::Cassandra::Keyspace", "the data in it"),
    is("AWS::Cassandra::Table", "the data in it"),
    is("AWS::CertificateManager::Certificate", "the certificate, which must be validated again,"),
    are("AWS::CloudFormation::Stack", "all resources in it"),
    is("AWS::CloudFront::Distribution", "the address that DNS points to"),
    are("AWS::CloudTrail::EventDataStore", "the events in it"),
    is("AWS::CodeCommit::Repository", "the source in it"),
    are("AWS::Cognito::IdentityPool", "the identities in it"),
    are("AWS::Cognito::UserPool", "the users in it"),
    is("AWS::Cognito::UserPoolClient", "the client id that apps know"),
    is("AWS::DocDB::DBCluster", "the data in it"),
    is("AWS::DynamoDB::GlobalTable", "the data in it"),
    is("AWS::DynamoDB::Table", "the data in it"),
    is("AWS::EC2::EIP", "the address that others know"),
    is("AWS::EC2::Instance", "what stands on its own disks"),
    is("AWS::EC2::KeyPair", "the key"),
    is("AWS::EC2::Volume", "the data on it"),
    are("AWS::ECR::PublicRepository", "the images in it"),
    are("AWS::ECR::Repository", "the images in it"),
    are("AWS::EFS::FileSystem", "the files in it"),
    is("AWS::EKS::Cluster", "the cluster and what runs in it"),
    is("AWS::ElastiCache::CacheCluster", "the data in it"),
    is("AWS::ElastiCache::ReplicationGroup", "the data in it"),
    is("AWS::ElastiCache::ServerlessCache", "the data in it"),
    are("AWS::Elasticsearch::Domain", "the indexes in it"),
    are("AWS::Events::Archive", "the events in it"),
    are("AWS::FSx::FileSystem", "the files in it"),
    is("AWS::IAM::AccessKey", "the key that programs hold"),
    are("AWS::IAM::User", "its keys and passwords"),
    is("AWS::KMS::Key", "everything that it encrypted"),
    are("AWS::Kinesis::Stream", "the records in it"),
    is("AWS::Lambda::Url", "its address, which callers know,"),
    are("AWS::Logs::LogGroup", "the log events in it"),
    are("AWS::Logs::LogStream", "the log events in it"),
    are("AWS::MSK::Cluster", "the records in it"),
    is("AWS::MemoryDB::Cluster", "the data in it"),
    is("AWS::Neptune::DBCluster", "the data in it"),
    are("AWS::OpenSearchService::Domain", "the indexes in it"),
    is("AWS::QLDB::Ledger", "the data in it"),
    is("AWS::RDS::DBCluster", "the data in it"),
    is("AWS::RDS::DBInstance", "the data in it"),
    is("AWS::Redshift::Cluster", "the data in it"),
    are("AWS::Route53::HostedZone", "its name servers, which the parent zone knows,"),
    are("AWS::S3::Bucket", "the objects in it"),
    are("AWS::S3Tables::TableBucket", "the tables in it"),
    are("AWS::SNS::Topic", "its ARN and the subscriptions that are not in this template"),
    are("AWS::SQS::Queue", "the messages in it"),
    is("AWS::SSM::Parameter", "its value and history"),
    is("AWS::SageMaker::NotebookInstance", "what stands on its disk"),
    is("AWS::SecretsManager::Secret", "the secret value"),
    is("AWS::Timestream::Database", "the data in it"),
    is("AWS::Timestream::Table", "the data in it"),
    is("AWS::WorkSpaces::Workspace", "what stands on its disk"),
];

/// What is lost with a resource of this type, as a sentence; nothing for what can be made again as it was.
pub(super) fn lost(kind: &str) -> Option<String> {
    let loss = LOSSES.iter().find(|loss| loss.kind == kind)?;
    Some(format!("{} {} lost", loss.what, if loss.many { "are" } else { "is" }))
}

/// What a resource of this type holds and keeps where it stays, as a noun; nothing for what holds nothing.
pub(super) fn held(kind: &str) -> Option<&'static str> {
    let what = LOSSES.iter().find(|loss| loss.kind == kind)?.what;
    (what.ends_with(" in it") || what.ends_with(" on it")).then_some(what)
}

/// As [`lost`], of a stateful type that has no sentence of its own as well.
pub(super) fn lost_of_stateful(kind: &str) -> String {
    lost(kind).unwrap_or_else(|| "what it holds is lost".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use cfn::schema;

    #[test]
    fn every_type_with_a_sentence_is_one_of_awss() {
        for loss in LOSSES {
            assert!(schema::lifecycle(loss.kind).is_some(), "{}", loss.kind);
        }
        assert_eq!(lost("AWS::SQS::Queue").unwrap(), "the messages in it are lost");
        assert_eq!(lost("AWS::CloudWatch::Alarm"), None);
        assert_eq!(held("AWS::SQS::Queue").unwrap(), "the messages in it");
        assert_eq!(held("AWS::SNS::Topic"), None);
    }
}
