<?php
// Prints or sets one setting.
define('CLI_SCRIPT', true);
require __DIR__ . '/../../config.php';
require_once "$CFG->libdir/clilib.php";
$options = cli_options(['component' => null, 'name' => null, 'set' => null, 'unset' => false]);
if ($options['set'] !== null || $options['unset']) {
    if (array_key_exists($options['name'], $CFG->config_php_settings)) {
        cli_error('The configuration variable is hard-set in the config.php, unable to change.', 4);
    }
    set_config($options['name'], $options['set'], $options['component']);
    exit(0);
}
$got = get_config($options['component'], $options['name']);
if ($got === false) {
    cli_error('No such configuration variable found.', 3);
}
echo "$got\n";
