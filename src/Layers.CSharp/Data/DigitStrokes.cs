using System.Numerics;

namespace Autodiff.Layers;

/// <summary>
/// How the digits are written: for each digit some ways to write it, each of one or more strokes. A stroke is a smooth
/// curve through points of the unit square (x to the right, y down); a point given twice is a corner.
/// </summary>
internal static class DigitStrokes
{
    /// <summary>The ways to write each digit: [digit][way][stroke][point].</summary>
    public static readonly Vector2[][][][] Ways =
    [
        [
            [Stroke(.55f, 0, .2f, .1f, .02f, .5f, .18f, .9f, .5f, 1, .82f, .88f, .98f, .5f, .8f, .08f, .5f, .02f)],
            [Stroke(.7f, .08f, .4f, 0, .1f, .2f, .03f, .6f, .25f, .97f, .6f, .97f, .9f, .7f, .95f, .3f, .7f, .03f, .5f, .1f)],
        ],
        [
            [Stroke(.5f, 0, .5f, .5f, .5f, 1)],
            [Stroke(.55f, 0, .5f, .5f, .45f, 1)],
            [Stroke(.25f, .22f, .53f, 0, .53f, 0, .5f, .5f, .5f, 1)],
            [Stroke(.28f, .2f, .5f, 0, .5f, 0, .5f, .5f, .5f, 1), Stroke(.15f, 1, .5f, .99f, .85f, 1)],
        ],
        [
            [Stroke(.08f, .25f, .25f, .04f, .58f, 0, .86f, .14f, .84f, .38f, .58f, .65f, .05f, 1, .05f, 1, .5f, .98f, .97f, .98f)],
            [Stroke(.12f, .18f, .45f, 0, .8f, .12f, .8f, .4f, .45f, .8f, .15f, .98f, .03f, .86f, .2f, .76f, .5f, .9f, .75f, 1, 1, .9f)],
        ],
        [
            [Stroke(.1f, .12f, .42f, 0, .8f, .1f, .8f, .32f, .38f, .46f, .38f, .46f, .82f, .56f, .92f, .8f, .55f, 1, .05f, .9f)],
            [Stroke(.1f, .02f, .5f, .02f, .88f, .02f, .88f, .02f, .42f, .4f, .42f, .4f, .85f, .52f, .92f, .8f, .55f, 1, .05f, .9f)],
            [Stroke(.15f, .1f, .5f, 0, .78f, .2f, .6f, .42f, .42f, .48f, .7f, .52f, .9f, .75f, .6f, .98f, .1f, .95f)],
        ],
        [
            [Stroke(.18f, .02f, .1f, .3f, .08f, .56f, .08f, .56f, .5f, .54f, .9f, .5f), Stroke(.78f, .02f, .72f, .5f, .68f, 1)],
            [Stroke(.68f, 0, .35f, .35f, .03f, .66f, .03f, .66f, .5f, .66f, .97f, .63f), Stroke(.68f, 0, .66f, .5f, .66f, 1)],
            [Stroke(.15f, 0, .1f, .35f, .3f, .5f, .6f, .46f, .85f, .3f), Stroke(.88f, 0, .82f, .45f, .7f, 1)],
        ],
        [
            [Stroke(.88f, .02f, .5f, .01f, .22f, .02f, .22f, .02f, .14f, .42f, .14f, .42f, .5f, .35f, .88f, .5f, .88f, .82f, .5f, 1, .05f, .92f)],
            [Stroke(.25f, .03f, .18f, .42f, .18f, .42f, .55f, .38f, .88f, .58f, .78f, .9f, .4f, 1, .06f, .92f), Stroke(.25f, .03f, .6f, .04f, .92f, 0)],
        ],
        [
            [Stroke(.75f, 0, .4f, .16f, .1f, .55f, .16f, .9f, .5f, 1, .86f, .84f, .78f, .58f, .45f, .52f, .13f, .75f)],
            [Stroke(.5f, 0, .25f, .3f, .1f, .65f, .22f, .95f, .55f, 1, .85f, .78f, .65f, .58f, .35f, .65f, .2f, .85f)],
        ],
        [
            [Stroke(.04f, .05f, .5f, .04f, .94f, .02f, .94f, .02f, .62f, .48f, .42f, 1)],
            [Stroke(.06f, .18f, .08f, .04f, .08f, .04f, .5f, .04f, .92f, .02f, .92f, .02f, .68f, .45f, .5f, 1)],
            [Stroke(.06f, .04f, .5f, .04f, .94f, .02f, .94f, .02f, .6f, .5f, .45f, 1), Stroke(.3f, .54f, .55f, .52f, .85f, .5f)],
        ],
        [
            [Stroke(.8f, .1f, .5f, 0, .2f, .13f, .26f, .34f, .52f, .48f, .82f, .66f, .84f, .9f, .5f, 1, .16f, .9f, .2f, .68f, .5f, .48f, .76f, .32f, .82f, .08f)],
            [
                Stroke(.5f, 0, .22f, .1f, .22f, .34f, .5f, .45f, .78f, .34f, .78f, .1f, .5f, 0),
                Stroke(.5f, .45f, .15f, .58f, .12f, .86f, .5f, 1, .88f, .86f, .85f, .58f, .5f, .45f),
            ],
        ],
        [
            [Stroke(.86f, .14f, .55f, 0, .2f, .1f, .14f, .36f, .42f, .5f, .74f, .4f, .87f, .12f, .87f, .12f, .85f, .5f, .76f, 1)],
            [Stroke(.84f, .2f, .58f, 0, .22f, .08f, .14f, .34f, .42f, .48f, .76f, .36f, .86f, .16f, .86f, .16f, .9f, .6f, .66f, .96f, .2f, .95f)],
        ],
    ];

    private static Vector2[] Stroke(params ReadOnlySpan<float> coordinates)
    {
        var points = new Vector2[coordinates.Length / 2];
        for (int i = 0; i < points.Length; i++) points[i] = new Vector2(coordinates[2 * i], coordinates[2 * i + 1]);
        return points;
    }
}
