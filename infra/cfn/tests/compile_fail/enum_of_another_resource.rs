//! Each resource has its own choices.

use cfn::resources::apigatewayv2::{Route, integration::ConnectionType};

fn wrong(route: Route) {
    Route { authorization_type: Some(ConnectionType::Internet.into()), ..route };
}

fn main() {}
