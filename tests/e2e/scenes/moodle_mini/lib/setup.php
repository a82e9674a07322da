<?php
// Loads what config.php says, then the database, then the settings that are kept in it: those of
// config.php win.
if (!isset($CFG->wwwroot) || $CFG->wwwroot === 'http://example.com/moodle') {
    exit("Fatal error: \$CFG->wwwroot is not configured! Exiting.\n");
}
$CFG->dirroot = dirname(__DIR__);
$CFG->libdir = __DIR__;
$CFG->config_php_settings = (array) $CFG;
if (!empty($CFG->sslproxy) && !str_starts_with($CFG->wwwroot, 'https:')) {
    exit("Must use https address in wwwroot when ssl proxy enabled!\n");
}
foreach (['tempdir' => 'temp', 'cachedir' => 'cache', 'localcachedir' => 'localcache'] as $name => $sub) {
    $CFG->$name ??= "$CFG->dataroot/$sub";
    if (!is_dir($CFG->$name) && !@mkdir($CFG->$name, 0777, true)) {
        exit("Invalid permissions detected when trying to create a directory: {$CFG->$name}\n");
    }
}
require_once __DIR__ . '/moodlelib.php';
$DB = database();
try {
    foreach (rows('SELECT name, value FROM {config}') as $row) {
        $CFG->{$row['name']} ??= $row['value'];
    }
} catch (PDOException) {
    // Not installed yet: admin/cli/install.php makes the tables.
}
