/**
 * Turns ONNX Runtime's telemetry off. From 1.30 on its native library, once loaded, writes a device id and a database of
 * events into the user's cache and opens connections to send them. It reads this variable while it is loaded, so whoever
 * imports the runtime imports this module first; child processes inherit it.
 */
process.env['ORT_DISABLE_TELEMETRY'] = '1';
