package Sioemit::Adapter::Question;

use strict;
use warnings;

use Exporter qw(import);

use Sioemit::Target ();

our @EXPORT_OK = qw(object text integer options rooms);

# Each takes the class of an encoder and returns what it writes.

# object takes names and what stands for their values.
sub object {
    my ($format, @members) = @_;
    my $object = $format->new;
    $object->begin_object(@members / 2);
    my $first = 1;
    while (my ($name, $bytes) = splice @members, 0, 2) {
        $first ? ($first = 0) : $object->separator;
        $object->key($name);
        $object->{out} .= $bytes;
    }
    $object->end_object;
    return $object->bytes;
}

sub text {
    my ($format, $utf8) = @_;
    my $text = $format->new;
    $text->text($utf8);
    return $text->bytes;
}

sub integer {
    my ($format, $n) = @_;
    my $integer = $format->new;
    $integer->integer($n);
    return $integer->bytes;
}

# options takes members of the options of a target, and for how many milliseconds servers wait for acknowledgements.
sub options {
    my ($format, $target, $timeout, @members) = @_;
    $target = $target->with(flags => { %{ $target->{flags} }, timeout => $timeout }) if $timeout;
    my $options = $format->new;
    $target->write_options($options, @members);
    return $options->bytes;
}

sub rooms {
    my ($format, $target) = @_;
    my $rooms = $format->new;
    Sioemit::Target::write_rooms($rooms, $target->{rooms});
    return $rooms->bytes;
}

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Adapter::Question - what questions are put together from

=head1 FUNCTIONS

=head2 object

=head2 text

=head2 integer

=head2 options

=head2 rooms

=cut
