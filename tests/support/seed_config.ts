/** The agent's first example of a configuration, as people paste it from there: with a comment. @module */

export const SEED_CONFIG = `// local-agent/config.example.json
{
  "endpoint_url": "https://example.com/clockblock/heartbeat",
  "device_id": "pc-01",
  "device_token": "device-token-here",
  "process_name": "Minecraft.exe",
  "poll_interval_sec": 5,
  "sync_interval_sec": 300,
  "api_host": "127.0.0.1",
  "api_port": 3841,
  "db_path": "clockblock.db",
  "retention_days": 30
}
`;
