<?php
// Empties the caches in moodledata.
define('CLI_SCRIPT', true);
require __DIR__ . '/../../config.php';
require_once "$CFG->libdir/clilib.php";
cli_options(array_fill_keys(['muc', 'courses', 'theme', 'lang', 'js', 'filter', 'other'], false));
foreach ([$CFG->cachedir, $CFG->localcachedir] as $folder) {
    $inside = new RecursiveDirectoryIterator($folder, FilesystemIterator::SKIP_DOTS);
    foreach (new RecursiveIteratorIterator($inside, RecursiveIteratorIterator::CHILD_FIRST) as $path => $each) {
        $each->isDir() ? rmdir($path) : unlink($path);
    }
}
