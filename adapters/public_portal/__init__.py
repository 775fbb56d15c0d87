"""The province's public portal, told of changes by webhook: CloudEvents, Standard Webhooks."""
