<?php
// What the programs in admin/cli share.

function cli_get_params(array $options, array $short = []): array
{
    $unknown = [];
    foreach (array_slice($_SERVER['argv'], 1) as $word) {
        if (preg_match('/^--([a-z-]+)(?:=(.*))?$/s', $word, $parts) && array_key_exists($parts[1], $options)) {
            $options[$parts[1]] = $parts[2] ?? true;
        } elseif (preg_match('/^-(\w)$/', $word, $parts) && isset($short[$parts[1]])) {
            $options[$short[$parts[1]]] = true;
        } else {
            $unknown[] = $word;
        }
    }
    return [$options, $unknown];
}

function cli_error(string $text, int $code = 1): never
{
    fwrite(STDERR, "$text\n\n");
    exit($code);
}

function cli_options(array $options, array $short = []): array
{
    [$options, $unknown] = cli_get_params($options, $short);
    if ($unknown) {
        cli_error("Unrecognised options:\n  " . implode("\n  ", $unknown) . "\nPlease use --help option.");
    }
    return $options;
}
